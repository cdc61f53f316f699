"""XLM-R's encoder as a function of its weights, made for what 3.2 needs: K logits at one `<mask>` an example.

Equal to transformers' `XLMRobertaForMaskedLM` (a test holds it), with four savings. Tokens of a batch lie packed, so
padding exists only inside attention. The last layer is computed at `<mask>` alone. Logits are taken for the tokens of
the verbalizer alone. And weights are arguments: an adapter changes only those where its ticket is active.

Dimensions: B examples, K labels, N tokens of the whole batch, T tokens of its longest example, H hidden, S soft tokens
of the whole batch, R rows of an overlay, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import (
    LM_BIAS,
    POSITION_EMBEDDINGS,
    TYPE_EMBEDDINGS,
    WORD_EMBEDDINGS,
)
from ltp.backbone.load import Backbone
from ltp.config import Precision
from ltp.model.arithmetic import Arithmetic
from ltp.model.head import ClassHead, Module, WordHead
from ltp.model.select_rows import select_rows
from ltp.model.template import Encoded

EMBEDDING_NORM = "roberta.embeddings.LayerNorm"
LAYER_MODULES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)


@dataclass(frozen=True)
class Overlay:
    """Word embedding rows that differ from the backbone's: `rows` (R,) ascending, `values` (R, H)."""

    rows: Tensor
    values: Tensor


@dataclass(frozen=True)
class Weights:
    """One adapter's view of the model. Tensors it does not change are the backbone's own, by reference."""

    word: Tensor
    overlay: Overlay | None
    position: Tensor
    token_type: Tensor
    embedding_norm: Module
    layers: list[dict[str, Module]]
    head: Module
    head_norm: Module
    answers: Module
    """Output embeddings (K, H) and biases (K,) of the verbalizer's tokens."""
    classifier: ClassHead | None = None
    """What reads `<s>` in place of the three before it."""

    @property
    def classes(self) -> int:
        """K, the labels among which it chooses."""
        return len(self.answers[1] if self.classifier is None else self.classifier.tensors["out.bias"])


def weights_from(
    backbone: Backbone,
    changed: Mapping[str, Tensor],
    *,
    overlay: Overlay | None = None,
    answers: Tensor | None = None,
    words: Tensor | None = None,
) -> Weights:
    """View the backbone with other tensors (`changed`), word embedding rows (`overlay`) and output rows (`answers`).

    `words` (K,) are the tokens to predict, those of the paper's verbalizer when None.
    """
    tensors, words = backbone.parameters, backbone.verbalizer if words is None else words

    def tensor(name: str) -> Tensor:
        return changed[name] if name in changed else tensors[name]

    def module(name: str) -> Module:
        return tensor(f"{name}.weight"), tensor(f"{name}.bias")

    layers = [f"roberta.encoder.layer.{index}" for index in range(backbone.info.layers)]
    return Weights(
        word=tensors[WORD_EMBEDDINGS],
        overlay=overlay,
        position=tensor(POSITION_EMBEDDINGS),
        token_type=tensor(TYPE_EMBEDDINGS)[0],
        embedding_norm=module(EMBEDDING_NORM),
        layers=[{part: module(f"{layer}.{part}") for part in LAYER_MODULES} for layer in layers],
        head=module("lm_head.dense"),
        head_norm=module("lm_head.layer_norm"),
        answers=(
            backbone.decoder[words] if answers is None else answers,
            tensor(LM_BIAS)[words],
        ),
    )


@dataclass(frozen=True)
class Batch:
    """B examples, packed: `ids` and `positions` (N,), and where everything lies among the N tokens."""

    ids: Tensor
    positions: Tensor
    soft: Tensor
    """Places of the soft tokens, (S,)."""
    mask: Tensor
    """Place of each example's `<mask>`, or of `<s>` under a classification head, (B,)."""
    cells: Tensor | None
    """Each token's cell in the padded (B x T) grid, (N,); None when no padding is needed."""
    keys: Tensor | None
    """Which cells hold a token, (B, 1, 1, T)."""
    longest: int

    @property
    def size(self) -> int:
        """B, the number of examples."""
        return len(self.mask)


def pack(examples: Sequence[Encoded], *, pad: int, device: str | torch.device = "cpu") -> Batch:
    """Lay examples end to end. Positions count from `pad` + 1 over real and soft tokens alike."""
    lengths = torch.tensor([len(example.ids) for example in examples])
    starts = torch.tensor([0, *accumulate(len(example.ids) for example in examples)][:-1])
    longest, tokens = int(lengths.max()), int(lengths.sum())
    inside = torch.arange(tokens) - starts.repeat_interleave(lengths)
    soft = [
        start + example.soft_from + index
        for start, example in zip(starts.tolist(), examples, strict=True)
        for index in range(example.soft)
    ]
    padded = tokens < longest * len(examples)
    grid = torch.arange(len(examples)).repeat_interleave(lengths) * longest + inside
    return Batch(
        ids=torch.tensor(list(chain.from_iterable(example.ids for example in examples)), device=device),
        positions=(inside + pad + 1).to(device),
        soft=torch.tensor(soft, dtype=torch.int64, device=device),
        mask=(starts + torch.tensor([example.asked for example in examples])).to(device),
        cells=grid.to(device) if padded else None,
        keys=(torch.arange(longest) < lengths[:, None])[:, None, None].to(device) if padded else None,
        longest=longest,
    )


class Dropper(Protocol):
    """Zeroes a share of the elements and scales the others up."""

    def drop(self, tokens: Tensor, rate: float) -> Tensor:
        """Return `tokens` with a share `rate` of them zero."""


class Encoder:
    """The forward pass for one architecture; holds no weight, and nothing of a call, so that threads may share it.

    `precision` is the arithmetic of the linear layers: residuals, norms and attention stay fp32, which on a CPU is both
    more exact and faster than bf16 throughout. With `dropout`, the checkpoint's own rates hold for calls that bring
    `noise`, as training does; `attention_dropout` turns attention's off.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        precision: Precision = "fp32",
        dropout: bool = False,
        attention_dropout: bool = True,
    ) -> None:
        self._arithmetic = Arithmetic.of(
            backbone.architecture, precision=precision, dropout=dropout, attention_dropout=attention_dropout
        )

    def __call__(self, weights: Weights, batch: Batch, prompts: Tensor, *, noise: Dropper | None = None) -> Tensor:
        """Return logits (B, K) in the order of the labels; `prompts` (S, H) are the soft tokens' embeddings."""
        return ForwardPass(self._arithmetic, batch, noise).logits(weights, prompts)


class ForwardPass:
    """One call of an encoder: a batch on its way through the layers, with the dropout of that call."""

    def __init__(self, arithmetic: Arithmetic, batch: Batch, noise: Dropper | None) -> None:
        self._heads, self._epsilon, self._activation = arithmetic.heads, arithmetic.epsilon, arithmetic.activation
        self._dropout, self._attention_dropout = arithmetic.dropout, arithmetic.attention_dropout
        self._dtype, self._batch, self._noise = arithmetic.dtype, batch, noise

    def logits(self, weights: Weights, prompts: Tensor) -> Tensor:
        """See `Encoder`."""
        hidden = self.run(weights.layers, self._embed(weights, prompts))  # (B, H)
        if weights.classifier is not None:
            return weights.classifier(hidden, drop=self._drop)
        return WordHead(weights.head, weights.head_norm, weights.answers, self._epsilon)(hidden)

    def run(self, layers: Sequence[dict[str, Module]], hidden: Tensor) -> Tensor:
        """Take embeddings (N, H) through the layers, into (B, H): the last computes what is asked for alone."""
        for layer in layers[:-1]:
            hidden = self._layer(layer, hidden, last=False)
        return self._layer(layers[-1], hidden, last=True)

    def _embed(self, weights: Weights, prompts: Tensor) -> Tensor:
        words = look_up(weights.word, weights.overlay, self._batch.ids).index_copy_(0, self._batch.soft, prompts)
        hidden = words + weights.token_type + F.embedding(self._batch.positions, weights.position)
        return self._drop(self._norm(hidden, weights.embedding_norm))

    def _layer(self, layer: dict[str, Module], hidden: Tensor, *, last: bool) -> Tensor:
        residual = hidden.index_select(0, self._batch.mask) if last else hidden
        mixed = self._linear(self._attend(layer, residual, hidden, last=last), layer["attention.output.dense"])
        hidden = self._norm(self._drop(mixed.float()) + residual, layer["attention.output.LayerNorm"])
        inner = self._activation(self._linear(hidden, layer["intermediate.dense"]))
        mixed = self._linear(inner, layer["output.dense"])
        return self._norm(self._drop(mixed.float()) + hidden, layer["output.LayerNorm"])

    def _attend(self, layer: dict[str, Module], query: Tensor, hidden: Tensor, *, last: bool) -> Tensor:
        batch, width, hidden = self._batch, hidden.shape[1], hidden.to(self._dtype)  # cast once for all three
        q = self._linear(query if last else hidden, layer["attention.self.query"]).float()
        k, v = (self._linear(hidden, layer[f"attention.self.{part}"]).float() for part in ("key", "value"))
        q = self._split(q) if last else self._grid(q)  # (B, heads, T or 1, d)
        context = self._mix(q, self._grid(k), self._grid(v), batch.keys)
        context = context.transpose(1, 2).reshape(-1, width)  # (B x T, H); (B, H) in the last layer
        if not last and batch.cells is not None:
            context = select_rows(context, batch.cells)
        return context

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor | None) -> Tensor:
        if self._noise is None or not self._attention_dropout:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        scores = (q @ k.transpose(2, 3)).mul_(q.shape[-1] ** -0.5)
        if keys is not None:
            scores.detach().masked_fill_(~keys, -torch.inf)  # softmax gives these no gradient, so none is masked
        return self._noise.drop(scores.softmax(-1), self._attention_dropout) @ v

    def _grid(self, packed: Tensor) -> Tensor:
        batch = self._batch
        if batch.cells is not None:
            cells = packed.new_zeros(batch.size * batch.longest, packed.shape[1])
            packed = cells.index_copy_(0, batch.cells, packed)
        return self._split(packed)

    def _split(self, tokens: Tensor) -> Tensor:
        """(B x T, H) to (B, heads, T, d)."""
        return tokens.view(self._batch.size, -1, self._heads, tokens.shape[1] // self._heads).transpose(
            1, 2
        )  # (B, heads, T, d)

    def _linear(self, tokens: Tensor, module: Module) -> Tensor:
        weight, bias = module
        return F.linear(tokens.to(self._dtype), weight.to(self._dtype), bias.to(self._dtype))

    def _norm(self, tokens: Tensor, module: Module) -> Tensor:
        return F.layer_norm(tokens, tokens.shape[-1:], *module, self._epsilon)

    def _drop(self, tokens: Tensor) -> Tensor:
        return tokens if self._noise is None else self._noise.drop(tokens, self._dropout)


def look_up(table: Tensor, overlay: Overlay | None, ids: Tensor) -> Tensor:
    """Embed `ids` (N,) from `table` (V, H), rows of the overlay taking precedence; a new (N, H)."""
    vectors = F.embedding(ids, table)
    if overlay is None or not len(overlay.rows):
        return vectors
    slots = torch.searchsorted(overlay.rows, ids).clamp_(max=len(overlay.rows) - 1)
    hits = (overlay.rows[slots] == ids).nonzero().squeeze(1)
    return vectors.index_copy_(0, hits, F.embedding(slots[hits], overlay.values))
