"""Selecting rows of a matrix, each at most once, with a gradient that is a copy."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def select_rows(rows: Tensor, places: Tensor) -> Tensor:
    """Return `rows[places]` for distinct places: autograd's own gradient would add atomically instead of copying."""
    selected: Tensor = _SelectRows.apply(rows, places)  # type: ignore[no-untyped-call]
    return selected


class _SelectRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.size = rows.shape[0]
        return rows.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        (places,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.size, gradient.shape[1]).index_copy_(0, places, gradient), None
