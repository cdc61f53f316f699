"""Dropout whose random numbers come from a seed of its own, so that a resumed run draws the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor


class SeededDropout:
    """Dropout whose bits follow a seed alone.

    On a CPU they come from numpy's SFC64, 16 bits an element (the rate is exact to 2**-17): torch's own generator
    would take a tenth of a training step there.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._bits = np.random.SFC64(seed) if device.type == "cpu" else None
        self._device = device
        self._generator = torch.Generator(device).manual_seed(seed)

    def drop(self, tokens: Tensor, rate: float) -> Tensor:
        """Zero a share `rate` of the elements and scale the others up by 1 / (1 - rate)."""
        return tokens if rate == 0 else dropped(tokens, self.kept(tokens.shape, rate), rate)

    def kept(self, shape: Sequence[int], rate: float) -> Tensor:
        """Draw which elements of a tensor of this shape stay, bools; each call draws anew."""
        if self._bits is None:
            return torch.rand(*shape, generator=self._generator, device=self._device) >= rate
        count = prod(shape)
        bits = self._bits.random_raw(-(-count // 4)).view(np.uint16)[:count]
        return torch.from_numpy(bits >= round(rate * 2**16)).view(*shape)


def dropped(tokens: Tensor, kept: Tensor, rate: float) -> Tensor:
    """Zero what is not `kept`, bools of the same shape, and scale the rest up by 1 / (1 - rate)."""
    return _Dropped.apply(tokens, kept, 1 / (1 - rate))  # type: ignore[no-any-return, no-untyped-call]


class _Dropped(torch.autograd.Function):
    """tokens x kept x scale, keeping one byte an element for the way back."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return _scaled(kept, scale).mul_(tokens)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        (kept,) = ctx.saved_tensors
        return _scaled(kept, ctx.scale).mul_(gradient), None, None


def _scaled(kept: Tensor, scale: float) -> Tensor:
    """`scale` where kept, else 0: made apart, for a product of floats with booleans takes seven times as long."""
    return kept.view(torch.uint8).to(torch.float32).mul_(scale)
