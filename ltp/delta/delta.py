"""What an adapter adds to the backbone: trained minus pretrained values at the ticket's active positions, values only.

Tensors are named as the backbone's and sorted by code point; inside each, values follow the ticket (C order). fp16
values carry a power-of-two scale a tensor, so rounding is relative to the tensor's own largest change; int8 codes one
of their own for each block of values besides (`ltp.delta.codes`). Of an embedding matrix only the rows that moved are
stored.

A delta without a ticket is dense: its values cover every element of a tensor, and of what has rows (`BY_ROWS`) every
element of the rows that are stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ltp.backbone.architecture import BY_ROWS, EMBEDDING_MATRICES, Shapes
from ltp.delta.codes import BLOCK, LARGEST_CODE, blocks_of, each_scale, quantised
from ltp.errors import DeltaDoesNotFitTicket, NonFiniteWeights
from ltp.ticket.mask import Ticket, _count_in_rows, active_in_rows

DeltaDtype = Literal["int8", "fp16", "fp32"]
FP16_OVERFLOW = 65520.0
"""The smallest number fp16 rounds to infinity."""
MAX_EXPONENT = 120
"""Keeps both 2**exponent and its inverse normal in fp32; no trained change is that small."""


@dataclass(frozen=True)
class Delta:
    """Encoded values of one adapter.

    `values[name]` (K,) is fp16 or fp32 and stands for `values x 2**-exponents[name]`; or int8, each value to be
    multiplied by its block's scale of `scales[name]` (B,) fp16, too. `rows[name]` lists, for embedding
    matrices only (and, without a ticket, what else has rows), the rows (ascending) that `values[name]` covers.
    """

    values: dict[str, Tensor]
    exponents: dict[str, int]
    rows: dict[str, Tensor]
    scales: dict[str, Tensor] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        held = (self.values, self.rows, self.scales)
        return sum(tensor.nbytes for tensors in held for tensor in tensors.values())

    def check(self, ticket: Ticket) -> None:
        """Make sure that every value has its place in the ticket, by counting.

        Raises:
            DeltaDoesNotFitTicket: naming the tensor and both counts.
        """
        if list(self.values) != sorted(ticket.masks):
            odd = sorted(set(self.values) ^ set(ticket.masks))
            raise DeltaDoesNotFitTicket(
                f"the delta and its ticket disagree on {', '.join(odd) or 'the order of tensors'}"
            )
        for name, values in self.values.items():
            if (name in self.rows) != (name in EMBEDDING_MATRICES):
                raise DeltaDoesNotFitTicket(f"{name}: rows are stored for embedding matrices, and only for them")
            rows = self.rows.get(name)
            if rows is not None and not _ascending(rows, below=ticket.shapes[name][0]):
                raise DeltaDoesNotFitTicket(f"{name}: its rows are not ascending row numbers of the matrix")
            active = ticket.counts[name] if rows is None else _count_in_rows(ticket, name, rows)
            if len(values) != active:
                raise DeltaDoesNotFitTicket(f"{name} has {len(values)} values for {active} active positions")
            self._check_scales(name)

    def _check_scales(self, name: str) -> None:
        wanted = blocks_of(len(self.values[name])) if self.values[name].dtype == torch.int8 else 0
        if (found := len(self.scales.get(name, ()))) != wanted:
            raise DeltaDoesNotFitTicket(f"{name} has {found} scales; its values need {wanted}")

    def check_dense(self, shapes: Shapes) -> None:
        """Make sure that the values are those of whole tensors, and of whole rows, of a model of these shapes.

        Raises:
            DeltaDoesNotFitTicket: naming the tensor.
        """
        for name, values in self.values.items():
            rows, shape = self.rows.get(name), shapes.get(name)
            if shape is None or (rows is None) != (name not in BY_ROWS):
                raise DeltaDoesNotFitTicket(f"{name} is no tensor of this backbone, or is not stored as it should be")
            if rows is not None and not _ascending(rows, below=shape[0]):
                raise DeltaDoesNotFitTicket(f"{name}: its rows are not ascending row numbers of the matrix")
            wanted = prod(shape if rows is None else (len(rows), *shape[1:]))
            if len(values) != wanted:
                raise DeltaDoesNotFitTicket(f"{name} has {len(values)} values for {wanted} elements")
            self._check_scales(name)

    def decode(self, name: str) -> Tensor:
        """Values of one tensor in fp32, (K,)."""
        values = self.values[name].float()
        if name in self.scales:
            values *= each_scale(self.scales[name], len(values))
        return values * 2.0 ** -self.exponents[name]

    def some(self, name: str, places: Tensor) -> Tensor:
        """Values of a tensor at some places (n,) among its own, but for the power of two; those of codes in fp32."""
        values = self.values[name][places]
        return values.float() * self.scales[name][places // BLOCK].float() if name in self.scales else values


def encode(
    changes: Mapping[str, Tensor],
    ticket: Ticket,
    *,
    dtype: DeltaDtype = "fp16",
    rows: Mapping[str, Tensor] | None = None,
) -> Delta:
    """Encode changes, (K,) fp32 a tensor in ticket order.

    `rows` limits an embedding matrix's changes to the active positions of those rows, all others being zero.

    Raises:
        NonFiniteWeights: naming the tensor with a NaN or an infinity.
        DeltaDoesNotFitTicket: a tensor has not one change for each active position.
    """
    delta = Delta({}, {}, {})
    for name in sorted(changes):
        change = changes[name]
        if name in EMBEDDING_MATRICES:
            given = (rows or {}).get(name, torch.arange(ticket.shapes[name][0]))
            delta.rows[name], change = _moved_rows(ticket, name, given, change.cpu())
        _encode_tensor(delta, name, change, dtype)
    delta.check(ticket)
    return delta


def encode_dense(changes: Mapping[str, Tensor], rows: Mapping[str, Tensor], *, dtype: DeltaDtype = "fp16") -> Delta:
    """Encode changes of whole tensors, fp32 and flat; of those that have `rows` (R,), ascending, of these rows.

    What did not move is left out.

    Raises:
        NonFiniteWeights: naming the tensor with a NaN or an infinity.
    """
    delta = Delta({}, {}, {})
    for name in sorted(changes):
        change = changes[name].cpu()
        if not change.any():
            continue
        if name in rows:
            by_row = change.view(len(rows[name]), -1)
            moved = by_row.any(1)
            change, delta.rows[name] = by_row[moved].flatten(), rows[name].cpu()[moved]
        _encode_tensor(delta, name, change, dtype)
    return delta


def _encode_tensor(delta: Delta, name: str, change: Tensor, dtype: DeltaDtype) -> None:
    if not change.isfinite().all():
        raise NonFiniteWeights(f"the change of {name} has a NaN or an infinity")
    change, exponent = change.to("cpu", torch.float32, copy=True), 0
    largest = float(change.abs().max()) if len(change) else 0.0
    match dtype:
        case "fp32":
            delta.values[name] = change
        case "fp16":
            exponent = scale_exponent(largest)
            delta.values[name] = (change * 2.0**exponent).to(torch.float16)
        case "int8":
            exponent = scale_exponent(largest / LARGEST_CODE)
            delta.values[name], delta.scales[name] = quantised(change * 2.0**exponent)
    delta.exponents[name] = exponent


def scale_exponent(largest: float) -> int:
    """The largest power of two that keeps `largest` finite in fp16: small changes lose as little as they can."""
    if not largest:
        return 0
    exponent = 16 - math.frexp(largest)[1]  # largest x 2**exponent lies in [2**15, 2**16)
    if largest * 2.0**exponent >= FP16_OVERFLOW:
        exponent -= 1
    return min(exponent, MAX_EXPONENT)


def _moved_rows(ticket: Ticket, name: str, rows: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    active = active_in_rows(ticket, name, rows)
    if len(change) != active.sum():
        raise DeltaDoesNotFitTicket(f"{name} has {len(change)} changes for {int(active.sum())} active positions")
    owner = np.repeat(np.arange(len(rows)), active.sum(1))  # (K,)
    moved = np.zeros(len(rows), bool)
    moved[owner[change.numpy() != 0]] = True
    return rows[torch.from_numpy(moved)], change[torch.from_numpy(moved[owner])]


def _ascending(rows: Tensor, *, below: int) -> bool:
    if not len(rows):
        return True
    return bool((rows[1:] > rows[:-1]).all()) and int(rows[0]) >= 0 and int(rows[-1]) < below
