"""The encoder for masked-language modelling: packed tokens, and beyond the last attention only the masked positions.

Dimensions: B lines, N tokens of the whole batch, T tokens of its longest line, M masked positions, Q the most of them
in one line, H hidden.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ltp.backbone.load import Backbone
from ltp.config import Precision
from ltp.drift.batches import MaskedBatch
from ltp.encoder import Batch, Encoder, Module, Weights, _Pick


class MaskedEncoder(Encoder):
    """The forward pass for one architecture; holds no weight."""

    def __init__(self, backbone: Backbone, *, precision: Precision) -> None:
        super().__init__(backbone, precision=precision, dropout=True)
        self._noise: Noise | None = None

    def features(self, weights: Weights, batch: MaskedBatch, *, seed: int | None) -> Tensor:
        """Return what the decoder reads at each masked position, (M, H) fp32; without a seed there is no dropout."""
        self._noise = None if seed is None else Noise(seed, batch.ids.device)
        hidden = self._embed(weights, batch, weights.token_type.new_empty(0, len(weights.token_type)))
        for layer in weights.layers[:-1]:
            hidden = self._layer(layer, hidden, batch, last=False)
        hidden = self._layer(weights.layers[-1], hidden, batch, last=True)  # (M, H)
        return self._norm(F.gelu(F.linear(hidden, *weights.head)), weights.head_norm)

    def _attend(self, layer: dict[str, Module], query: Tensor, hidden: Tensor, batch: Batch, *, last: bool) -> Tensor:
        assert isinstance(batch, MaskedBatch)  # noqa: S101  features() takes no other
        cells, width = (batch.query_cells, batch.queries) if last else (batch.cells, batch.longest)
        q = self._spread(self._linear(query, layer["attention.self.query"]).float(), cells, batch.size * width)
        k, v = (
            self._spread(
                self._linear(hidden, layer[f"attention.self.{part}"]).float(), batch.cells, batch.size * batch.longest
            )
            for part in ("key", "value")
        )
        q, k, v = (self._split(tokens, batch.size) for tokens in (q, k, v))  # (B, heads, T or Q, d)
        if self._noise is None:
            context = F.scaled_dot_product_attention(q, k, v, attn_mask=batch.keys)
        else:
            scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
            if batch.keys is not None:
                scores = scores.masked_fill(~batch.keys, -torch.inf)
            context = self._noise.drop(scores.softmax(-1), self._attention_dropout) @ v
        context = context.transpose(1, 2).reshape(-1, hidden.shape[1])  # (B x T or Q, H)
        return context if cells is None else _Pick.apply(context, cells)  # type: ignore[no-untyped-call]

    def _spread(self, packed: Tensor, cells: Tensor | None, size: int) -> Tensor:
        return packed if cells is None else packed.new_zeros(size, packed.shape[1]).index_copy_(0, cells, packed)

    def _drop(self, tokens: Tensor) -> Tensor:
        return tokens if self._noise is None else self._noise.drop(tokens, self._dropout)


class Noise:
    """Dropout whose bits follow a seed alone.

    On a CPU they come from numpy's SFC64, 16 bits an element (the rate is exact to 2**-17): torch's own generator
    would take a tenth of a training step there.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._bits = np.random.SFC64(seed) if device.type == "cpu" else None
        self._generator = torch.Generator(device).manual_seed(seed)

    def drop(self, tokens: Tensor, rate: float) -> Tensor:
        """Zero a share `rate` of the elements and scale the others up by 1 / (1 - rate)."""
        if rate == 0:
            return tokens
        if self._bits is None:
            kept = torch.rand(tokens.shape, generator=self._generator, device=tokens.device) >= rate
        else:
            bits = self._bits.random_raw(-(-tokens.numel() // 4)).view(np.uint16)[: tokens.numel()]
            kept = torch.from_numpy(bits >= round(rate * 2**16)).view(tokens.shape)
        return _Dropped.apply(tokens, kept, 1 / (1 - rate))  # type: ignore[no-any-return, no-untyped-call]


class _Dropped(torch.autograd.Function):
    """tokens x kept x scale, keeping one byte an element for the way back."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return tokens.mul(kept).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        (kept,) = ctx.saved_tensors
        return gradient.mul(kept).mul_(ctx.scale), None, None
