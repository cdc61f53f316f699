"""A delta fused into copies of the backbone's tensors, and the embedding rows it changes as an overlay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.backbone.architecture import DECODER, WORD_EMBEDDINGS
from ltp.compute.buffers import allocate
from ltp.compute.cuda.uploads import uploaded
from ltp.compute.masked_add import FuseTask, all_active, fuse_all, fuse_into
from ltp.delta.delta import Delta
from ltp.model.encoder import Overlay
from ltp.ticket.mask import Ticket, active_in_rows

FIRST = 256
"""Values looked at before all the others of a tensor, to see whether any moved."""


def positions_in(delta: Delta, ticket: Ticket, name: str) -> Tensor:
    """Flat C-order positions of a tensor's stored values, (K,)."""
    if name not in delta.rows:
        return ticket.positions(name)
    rows = delta.rows[name]
    row, column = active_in_rows(ticket, name, rows).nonzero()
    return rows[torch.from_numpy(row)] * ticket.shapes[name][1] + torch.from_numpy(column)


def fuse(
    parameters: Mapping[str, Tensor],
    delta: Delta,
    ticket: Ticket | None,
) -> tuple[dict[str, Tensor], Overlay | None]:
    """Fuse a delta into copies of the tensors it changes; the pristine `parameters` stay as they are.

    The word embeddings are never copied: their changed rows come back as an overlay (None when there are none), and
    those of a decoder of its own are left to the caller. That the delta fits the ticket is the caller's to check.
    """
    names = [name for name in nonzero_tensors(delta) if name not in (WORD_EMBEDDINGS, DECODER)]
    wanted = [(parameters[name].shape, torch.float32) for name in names]
    buffers = allocate(wanted, parameters[names[0]].device if names else "cpu")
    fuse_all(
        fuse_task(buffer, parameters[name], delta, ticket, name) for name, buffer in zip(names, buffers, strict=True)
    )
    return dict(zip(names, buffers, strict=True)), overlay(parameters, delta, ticket)


def nonzero_tensors(delta: Delta) -> list[str]:
    """Tensors with a value other than zero."""
    return [name for name, values in delta.values.items() if _moves(values)]


def _moves(values: Tensor) -> bool:
    return bool(values[:FIRST].any() or values.any())


def fuse_task(buffer: Tensor, pristine: Tensor, delta: Delta, ticket: Ticket | None, name: str) -> FuseTask:
    """One tensor of a delta, ready to be fused into `buffer`; its values are brought to where the buffer is."""
    values = uploaded(delta.values[name], buffer.device)
    scales = _scales(delta, name, buffer.device)
    if ticket is not None and name not in delta.rows:
        active, before = ticket.masks[name], ticket.before[name]
        return FuseTask(buffer, pristine, values, delta.exponents[name], active, before, scales)
    active = _stored_bits(delta, ticket, name, pristine.shape)
    return FuseTask(buffer, pristine, values, delta.exponents[name], active, scales=scales)


def _scales(delta: Delta, name: str, device: torch.device) -> Tensor | None:
    return uploaded(delta.scales[name], device) if name in delta.scales else None


def _stored_bits(delta: Delta, ticket: Ticket | None, name: str, shape: torch.Size) -> NDArray[np.uint8]:
    """Where a tensor stored by its rows, or whole, has values: one bit an element."""
    if name not in delta.rows:
        return all_active(shape.numel())
    active = np.zeros(shape, np.bool_)
    rows = delta.rows[name]
    active[rows.numpy()] = True if ticket is None else active_in_rows(ticket, name, rows)
    return np.packbits(active, bitorder="little")


def bits_of_rows(ticket: Ticket, name: str, rows: Tensor) -> NDArray[np.uint8]:
    """The bits of some rows of a matrix, one row after the other, packed anew."""
    height, width = ticket.shapes[name]
    if width % 8:
        return np.packbits(active_in_rows(ticket, name, rows), bitorder="little")
    packed: NDArray[np.uint8] = ticket.masks[name].reshape(height, width // 8)[rows.cpu().numpy()].reshape(-1)
    return packed


def overlay(
    parameters: Mapping[str, Tensor], delta: Delta, ticket: Ticket | None, *, name: str = WORD_EMBEDDINGS
) -> Overlay | None:
    """The rows of the word embeddings, or another matrix, that a delta changes, fused; None when it changes none."""
    if not len(delta.rows.get(name, ())) or not _moves(delta.values[name]):
        return None
    pristine = parameters[name]
    rows = delta.rows[name].to(pristine.device)
    changed = pristine[rows]  # (R, H)
    active = all_active(changed.numel()) if ticket is None else bits_of_rows(ticket, name, delta.rows[name])
    values, scales = delta.values[name].to(pristine.device), _scales(delta, name, pristine.device)
    return Overlay(rows, fuse_into(changed, changed, values, delta.exponents[name], active, scales=scales))
