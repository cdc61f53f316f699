"""Where packed tokens lie while attention pads them: every head of every line in a (T, d) block of its own.

One copy takes packed tokens (N, heads x d) to contiguous blocks (B x heads, T, d), and one copy takes them back; both
move rows of d numbers, and so do their gradients.

Dimensions: B lines, T cells a line, N tokens, d numbers a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ltp.model.select_rows import select_rows


@dataclass(frozen=True)
class PaddedBatch:
    """Cells of B lines, T a line, times the heads; N of the cells hold a token."""

    blocks: int
    """B x heads."""
    source: Tensor
    """The packed row each cell shows, (B x heads x T,). Padding shows row 0, whose result is not read."""
    place: Tensor
    """The cell each packed row lies in, (N x heads,)."""

    @staticmethod
    def of(cells: Tensor, *, lines: int, width: int, heads: int) -> PaddedBatch:
        """Lay out `cells` (N,), distinct numbers line x `width` + place."""
        head = torch.arange(heads, device=cells.device)
        line, inside = (cells // width)[:, None], (cells % width)[:, None]
        place = ((line * heads + head) * width + inside).flatten()
        source = place.new_zeros(lines * heads * width)
        source[place] = torch.arange(len(place), device=cells.device)
        return PaddedBatch(lines * heads, source, place)

    def spread(self, packed: Tensor) -> Tensor:
        """(N, heads x d) to (B x heads, T, d).

        Exact where attention ignores padding: a padded cell's gradient is zero, and so it is not even read.
        """
        rows: Tensor = _Spread.apply(self._rows(packed), self.source, self.place)  # type: ignore[no-untyped-call]
        return rows.view(self.blocks, -1, rows.shape[1])

    def pick(self, padded: Tensor, *, width: int) -> Tensor:
        """(B x heads, T, d) to (N, `width`), `width` being heads x d."""
        return select_rows(padded.flatten(0, 1), self.place).view(-1, width)

    def _rows(self, packed: Tensor) -> Tensor:
        return packed.reshape(len(self.place), -1)  # (N x heads, d)


class _Spread(torch.autograd.Function):
    """`rows[source]`, whose gradient takes each row's from one place alone."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, source: Tensor, place: Tensor) -> Tensor:
        ctx.save_for_backward(place)
        return rows.index_select(0, source)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        (place,) = ctx.saved_tensors
        return gradient.index_select(0, place), None, None
