"""The whole model as a module of plain operations, which torch's exporter turns into a graph of ONNX.

It takes ids and an attention mask and gives the labels' probabilities. The soft prompt are rows of its embeddings, at
the ids that the exported tokenizer gives; calibration and softmax are in it. The last layer is computed for the one
token that is asked alone, and of the output embeddings only the labels' words are there.

Dimensions: B examples, T tokens of the longest, H hidden, d a head's part of it, K labels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.calibration import Calibration
from ltp.model.arithmetic import Arithmetic
from ltp.model.encoder import Weights
from ltp.model.head import Module, WordHead
from ltp.model.methods import METHODS

UNSEEN = -1e9
"""Added to the scores of padding; finite, so that a row of nothing else is no NaN."""
LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mix": "attention.output.dense",
    "mix_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "outer_norm": "output.LayerNorm",
}
"""The parts of a layer, by the names that they have here."""


class _Held(nn.Module):
    """Tensors by name."""

    def __init__(self, **tensors: Tensor | Module) -> None:
        super().__init__()
        for name, given in tensors.items():
            for part, tensor in zip(("weight", "bias"), given if isinstance(given, tuple) else (given,), strict=False):
                self.register_buffer(f"{name}_{part}", tensor)

    def one(self, name: str) -> Tensor:
        """The tensor of a part that has one."""
        return self.get_buffer(f"{name}_weight")

    def of(self, name: str) -> Module:
        """The two tensors of a part."""
        return self.one(name), self.get_buffer(f"{name}_bias")


class ProbabilityGraph(nn.Module):
    """Ids (B, T) and attention mask (B, T), both int64, to probabilities (B, K).

    `words` are the embeddings with the soft prompt's rows. With `int8` they are stored so, with a scale a row.
    """

    def __init__(self, backbone: Backbone, adapter: Adapter, weights: Weights, words: Tensor, *, int8: bool) -> None:
        super().__init__()
        arithmetic = Arithmetic.of(backbone.architecture, precision="fp32", dropout=False, attention_dropout=False)
        self._heads, self._epsilon, self._activation = arithmetic.heads, arithmetic.epsilon, arithmetic.activation
        self._pad, self._mask = backbone.special.pad, backbone.special.mask
        self._classifies = METHODS[adapter.method].classifies
        self.words = _Held(table=_by_row(words) if int8 else words)
        self.int8 = int8
        self.places = _Held(table=weights.position + weights.token_type, norm=weights.embedding_norm)
        self.layers = nn.ModuleList(
            _Held(**{name: layer[part] for name, part in LAYER.items()}) for layer in weights.layers
        )
        self.head = _head(weights)
        calibration = adapter.calibration or Calibration(1.0, (0.0,) * weights.classes)
        self._temperature = calibration.temperature
        self.calibration = _Held(bias=torch.tensor(calibration.bias))

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return sum(buffer.nbytes for buffer in self.buffers())

    @property
    def example_id(self) -> int:
        """An id that it knows."""
        return self._mask

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """See the class."""
        hidden = self._embed(input_ids, attention_mask)
        unseen = (1.0 - attention_mask[:, None, None].float()) * UNSEEN  # (B, 1, 1, T)
        *layers, last = self.layers
        for layer in layers:
            hidden = self._layer(layer, hidden, hidden, unseen)
        asked = self._asked(input_ids, hidden)
        answer = self._layer(last, asked, hidden, unseen).squeeze(1)  # (B, H)
        logits = self._logits(answer) / self._temperature + self.calibration.one("bias")
        return logits.softmax(-1)

    def _embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        positions = mask.cumsum(1) * mask + self._pad
        if self.int8:
            table, scale = self.words.of("table")
            words = F.embedding(ids, table).float() * F.embedding(ids, scale)
        else:
            words = F.embedding(ids, self.words.one("table"))
        hidden = words + F.embedding(positions, self.places.one("table"))
        return self._norm(hidden, self.places.of("norm"))

    def _asked(self, ids: Tensor, hidden: Tensor) -> Tensor:
        """The token that gives the answer, (B, 1, H): the first, or the one at `<mask>`."""
        if self._classifies:
            return hidden[:, :1]
        at = (ids == self._mask).int().argmax(1, keepdim=True)  # (B, 1)
        return hidden.gather(1, at[:, :, None].expand(-1, -1, hidden.shape[2]))

    def _layer(self, layer: nn.Module, asked: Tensor, hidden: Tensor, unseen: Tensor) -> Tensor:
        """One layer for the tokens `asked` (B, A, H), which look at all."""
        assert isinstance(layer, _Held)  # noqa: S101  the list holds no other
        q = self._split(F.linear(asked, *layer.of("query")))  # (B, heads, A, d)
        k, v = (self._split(F.linear(hidden, *layer.of(part))) for part in ("key", "value"))
        scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5 + unseen  # (B, heads, A, T)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)  # (B, A, H)
        asked = self._norm(F.linear(mixed, *layer.of("mix")) + asked, layer.of("mix_norm"))
        inner = self._activation(F.linear(asked, *layer.of("inner")))
        return self._norm(F.linear(inner, *layer.of("outer")) + asked, layer.of("outer_norm"))

    def _split(self, tokens: Tensor) -> Tensor:
        heads = tokens.view(*tokens.shape[:2], self._heads, tokens.shape[2] // self._heads)
        return heads.transpose(1, 2)

    def _norm(self, tokens: Tensor, module: Module) -> Tensor:
        return F.layer_norm(tokens, tokens.shape[-1:], *module, self._epsilon)

    def _logits(self, answer: Tensor) -> Tensor:
        if self._classifies:
            return F.linear(F.linear(answer, *self.head.of("dense")).tanh(), *self.head.of("out"))
        dense, norm, answers = (self.head.of(name) for name in ("dense", "norm", "answers"))
        return WordHead(dense, norm, answers, self._epsilon)(answer)


def _head(weights: Weights) -> _Held:
    if weights.classifier is None:
        return _Held(dense=weights.head, norm=weights.head_norm, answers=weights.answers)
    tensors = weights.classifier.tensors
    return _Held(**{name: (tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in ("dense", "out")})


def _by_row(table: Tensor) -> Module:
    """A matrix as int8 with a scale a row, (R, 1): the prompt's vectors are far longer than a word's."""
    scale = table.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (table / scale).round().to(torch.int8), scale
