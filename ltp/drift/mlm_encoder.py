"""The encoder for masked-language modelling: packed tokens, and after the last attention only the masked positions.

Dimensions: B lines, N tokens of the whole batch, T tokens of its longest line, M masked positions, Q the most of them
in one line, H hidden, d numbers a head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ltp.backbone.load import Backbone
from ltp.config import Precision
from ltp.drift.batches import MaskedBatch
from ltp.drift.linear import linear
from ltp.drift.padding import PaddedBatch
from ltp.drift.shares import ShareDropout
from ltp.model.arithmetic import Arithmetic
from ltp.model.encoder import Dropper, ForwardPass, Weights
from ltp.model.head import Module
from ltp.training.dropout import SeededDropout


class MaskedEncoder:
    """The forward pass for one architecture; holds no weight, and nothing of a call."""

    def __init__(self, backbone: Backbone, *, precision: Precision) -> None:
        self._arithmetic = Arithmetic.of(backbone.architecture, precision=precision, dropout=True)

    @property
    def dtype(self) -> torch.dtype:
        """The arithmetic of the linear layers."""
        return self._arithmetic.dtype

    def features(self, weights: Weights, batch: MaskedBatch, *, seed: int | None) -> Tensor:
        """Return what the decoder reads at each masked position, (M, H) fp32; without a seed there is no dropout."""
        return _MaskedPass(self._arithmetic, batch, _noise(batch, seed)).features(weights)


def _noise(batch: MaskedBatch, seed: int | None) -> Dropper | None:
    """Give what a part's seed draws, for all of it or for some of its lines."""
    if seed is None:
        return None
    device = batch.ids.device
    return SeededDropout(seed, device) if batch.whole is None else ShareDropout(seed, device, batch.whole)


class _MaskedPass(ForwardPass):
    """One call: a batch on its way through the layers, with its layout for attention and its dropout."""

    def __init__(self, arithmetic: Arithmetic, batch: MaskedBatch, noise: Dropper | None) -> None:
        super().__init__(arithmetic, batch, noise)
        cells = torch.arange(len(batch.ids), device=batch.ids.device) if batch.cells is None else batch.cells
        self._tokens = PaddedBatch.of(cells, lines=batch.size, width=batch.longest, heads=self._heads)
        self._queries = PaddedBatch.of(batch.query_cells, lines=batch.size, width=batch.queries, heads=self._heads)

    def features(self, weights: Weights) -> Tensor:
        """See `MaskedEncoder`."""
        hidden = self.run(weights.layers, self._look_up(weights))  # (M, H)
        return self._norm(F.gelu(linear(hidden, *weights.head, dtype=torch.float32)), weights.head_norm)

    def _look_up(self, weights: Weights) -> Tensor:
        words = F.embedding(self._batch.ids, weights.word, sparse=True)  # its gradient is added to the rows read alone
        hidden = words + weights.token_type + F.embedding(self._batch.positions, weights.position)
        return self._drop(self._norm(hidden, weights.embedding_norm))

    def _linear(self, tokens: Tensor, module: Module) -> Tensor:
        return linear(tokens, *module, dtype=self._dtype)

    def _attend(self, layer: dict[str, Module], query: Tensor, hidden: Tensor, *, last: bool) -> Tensor:
        width, hidden = hidden.shape[1], hidden.to(self._dtype)  # cast once for all three
        asking = self._queries if last else self._tokens
        q = asking.spread(self._linear(query if last else hidden, layer["attention.self.query"]).float())
        k, v = (
            self._tokens.spread(self._linear(hidden, layer[f"attention.self.{part}"]).float())
            for part in ("key", "value")
        )  # (B x heads, T or Q, d)
        return asking.pick(self._mix(q, k, v, self._batch.keys), width=width)

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor | None) -> Tensor:
        if self._noise is None:
            q, k, v = (self._by_line(each) for each in (q, k, v))
            return F.scaled_dot_product_attention(q, k, v, attn_mask=keys).flatten(0, 1)
        scores = (q @ k.transpose(1, 2)).mul_(q.shape[-1] ** -0.5)
        if keys is not None:
            self._by_line(scores).masked_fill_(~keys, -torch.inf)
        return self._noise.drop(scores.softmax(-1), self._attention_dropout) @ v

    def _by_line(self, blocks: Tensor) -> Tensor:
        return blocks.view(-1, self._heads, *blocks.shape[1:])  # (B, heads, T or Q, d or T)
