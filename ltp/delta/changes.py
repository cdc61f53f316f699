"""Changes, trained minus pretrained values, in fp32: decoded, added up, and carried from one ticket over to another.

On a ticket that contains the other, every value has its place. On any other ticket the values that are active in both
go along; the rest is dropped, and how much that was is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ltp.backbone.architecture import BY_ROWS, EMBEDDING_MATRICES, Shapes
from ltp.delta.delta import Delta
from ltp.delta.row_values import BLOCK, RowValues, counts_in_rows
from ltp.ticket.mask import Ticket, active_in_rows


@dataclass(frozen=True, eq=False)
class Changes:
    """`values[name]` (K,) fp32 in the order of a ticket, or without one of whole tensors; `rows` as in a `Delta`."""

    values: dict[str, Tensor]
    rows: dict[str, Tensor]

    @classmethod
    def decoded(cls, delta: Delta) -> Changes:
        """What a delta stands for."""
        return cls({name: delta.decode(name) for name in delta.values}, dict(delta.rows))

    def of_rows(self, ticket: Ticket | None, shapes: Shapes, name: str) -> RowValues:
        """The values of a tensor that has rows; of none if it did not change."""
        rows = self.rows.get(name, torch.empty(0, dtype=torch.int64))
        return RowValues(rows, counts_in_rows(ticket, shapes, name, rows), self.values.get(name, torch.empty(0)))

    @property
    def moved(self) -> int:
        """Values that are not zero."""
        return sum(int(values.count_nonzero()) for values in self.values.values())


@dataclass(frozen=True)
class CarriedOver:
    """Changes on another ticket than they were on."""

    changes: Changes
    share: float
    """Of the values that are not zero, those that have a place there; 1 where none are."""
    same_ticket: bool
    nested: bool
    """Whether one ticket contains the other."""

    def facts(self) -> dict[str, Any]:
        """What is told of it, as JSON has it."""
        return {"carried": self.share, "same_ticket": self.same_ticket, "nested": self.nested}


def carried_over(changes: Changes, source: Ticket | None, target: Ticket | None, shapes: Shapes) -> CarriedOver:
    """Bring changes on `source` to `target`; None stands for whole tensors, of which each has every value."""
    if source is target or (source is not None and target is not None and source.sha256 == target.sha256):
        return CarriedOver(changes, 1.0, same_ticket=True, nested=True)
    values, rows = {}, {}
    for name in sorted(changes.values if target is None else target.masks):
        if name in (BY_ROWS if target is None else EMBEDDING_MATRICES):
            rows[name], values[name] = _rows_over(changes, source, target, shapes, name)
        else:
            values[name] = _over(changes, source, target, shapes, name)
    there = Changes(values, rows)
    share = there.moved / changes.moved if changes.moved else 1.0
    return CarriedOver(there, share, same_ticket=False, nested=_nested(source, target))


def weighted_sum(terms: Sequence[tuple[Changes, float]], ticket: Ticket | None, shapes: Shapes) -> Changes:
    """Add weight x changes, all on one ticket, term after term in fp32; of what has rows, the rows of any."""
    values, rows = {}, {}
    for name in sorted({name for changes, _ in terms for name in changes.values}):
        given = [(changes, weight) for changes, weight in terms if name in changes.values]
        if any(name in changes.rows for changes, _ in given):
            rows[name] = torch.cat([changes.rows[name] for changes, _ in given]).unique()  # type: ignore[no-untyped-call]
            counts = counts_in_rows(ticket, shapes, name, rows[name])
            parts = [changes.of_rows(ticket, shapes, name).at(rows[name], counts) * weight for changes, weight in given]
        else:
            parts = [changes.values[name] * weight for changes, weight in given]
        values[name] = sum(parts[1:], start=parts[0])
    return Changes(values, rows)


def _over(changes: Changes, source: Ticket | None, target: Ticket | None, shapes: Shapes, name: str) -> Tensor:
    """A whole tensor's values in the target's order."""
    whole = torch.zeros(prod(shapes[name]))
    if name in changes.values:
        whole[_active(source, shapes, name)] = changes.values[name]
    return whole[_active(target, shapes, name)]


def _rows_over(
    changes: Changes, source: Ticket | None, target: Ticket | None, shapes: Shapes, name: str
) -> tuple[Tensor, Tensor]:
    """Rows with a value other than zero in the target, and their values, a block of rows at a time."""
    held = changes.of_rows(source, shapes, name)
    kept_rows, kept = [torch.empty(0, dtype=torch.int64)], [torch.empty(0)]
    parts = zip(torch.split(held.rows, BLOCK), _by_block(held), strict=True)
    for rows, values in parts if len(held.rows) else ():
        whole = torch.zeros(len(rows), prod(shapes[name][1:]))
        whole[_active_in_rows(source, name, rows, whole)] = values
        active = _active_in_rows(target, name, rows, whole)
        moved = (whole * active).any(1)
        kept_rows.append(rows[moved])
        kept.append(whole[moved][active[moved]])
    return torch.cat(kept_rows), torch.cat(kept)


def _by_block(held: RowValues) -> Iterator[Tensor]:
    """The values of each block of rows."""
    yield from torch.split(held.values, [int(counts.sum()) for counts in torch.split(held.counts, BLOCK)])


def _active(ticket: Ticket | None, shapes: Shapes, name: str) -> Tensor:
    if ticket is None:
        return torch.ones(prod(shapes[name]), dtype=torch.bool)
    if name not in ticket.masks:
        return torch.zeros(prod(shapes[name]), dtype=torch.bool)
    bits = np.unpackbits(ticket.masks[name], count=prod(shapes[name]), bitorder="little")
    return torch.from_numpy(bits).bool()


def _active_in_rows(ticket: Ticket | None, name: str, rows: Tensor, like: Tensor) -> Tensor:
    if ticket is None:
        return torch.ones_like(like, dtype=torch.bool)
    if name not in ticket.masks:
        return torch.zeros_like(like, dtype=torch.bool)
    return torch.from_numpy(active_in_rows(ticket, name, rows))


def _nested(first: Ticket | None, second: Ticket | None) -> bool:
    if first is None or second is None:
        return True
    return _contains(first, second) or _contains(second, first)


def _contains(outer: Ticket, inner: Ticket) -> bool:
    return all(
        name in outer.masks and not np.bitwise_and(mask, ~outer.masks[name]).any() for name, mask in inner.masks.items()
    )
