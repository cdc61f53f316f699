"""Values of some rows of a matrix, row after row as deltas hold them, picked and joined."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from ltp.backbone.architecture import Shapes
from ltp.ticket.mask import Ticket, active_in_rows

BLOCK = 4096
"""Rows whose active entries are counted at a time."""


@dataclass(frozen=True)
class RowValues:
    """`values` (K,) of `rows` (R,), ascending, of which each has as many as `counts` (R,) says."""

    rows: Tensor
    counts: Tensor
    values: Tensor

    @property
    def _owners(self) -> Tensor:
        """The row of each value, (K,)."""
        return self.rows.repeat_interleave(self.counts)

    def at(self, rows: Tensor, counts: Tensor) -> Tensor:
        """Values of other rows, which have `counts` each; zero for those that are not held."""
        owners = rows.repeat_interleave(counts)
        values = self.values.new_zeros(len(owners))
        values[torch.isin(owners, self.rows)] = self.values[torch.isin(self._owners, rows)]
        return values

    def without(self, rows: Tensor) -> RowValues:
        """What is held of all other rows."""
        kept = ~torch.isin(self.rows, rows)
        return RowValues(self.rows[kept], self.counts[kept], self.values[kept.repeat_interleave(self.counts)])

    def joined(self, other: RowValues) -> RowValues:
        """Both together; they have no row in common."""
        rows, order = torch.cat([self.rows, other.rows]).sort()
        places = torch.cat([self._owners, other._owners]).argsort(stable=True)
        counts, values = torch.cat([self.counts, other.counts]), torch.cat([self.values, other.values])
        return RowValues(rows, counts[order], values[places])


def counts_in_rows(ticket: Ticket | None, shapes: Shapes, name: str, rows: Tensor) -> Tensor:
    """How many values each row has, (R,): its active entries, and without a ticket all."""
    if ticket is None:
        return torch.full((len(rows),), prod(shapes[name][1:]))
    if name not in ticket.masks:
        return torch.zeros(len(rows), dtype=torch.int64)
    blocks = torch.split(rows.cpu(), BLOCK)
    return torch.cat([torch.from_numpy(active_in_rows(ticket, name, block).sum(1)) for block in blocks])
