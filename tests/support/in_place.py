"""A delta put into a model in place: applying scatters values in, reverting writes the pristine ones back."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ltp.backbone.architecture import DECODER_BIAS, LM_BIAS
from ltp.delta.delta import Delta
from ltp.delta.fuse import positions_in
from ltp.ticket.mask import Ticket

if TYPE_CHECKING:
    from transformers import XLMRobertaForMaskedLM


@dataclass(frozen=True)
class Applied:
    """A delta standing in a model in place, with what it displaced."""

    displaced: list[tuple[Tensor, Tensor, Tensor]]
    """For each tensor: its flat view, the positions written, and the pristine values that stood there."""

    def revert(self) -> None:
        """Write the pristine values back: the model is bit for bit what it was."""
        for flat, positions, pristine in self.displaced:
            flat[positions] = pristine


def apply(model: XLMRobertaForMaskedLM, delta: Delta, ticket: Ticket | None) -> Applied:
    """Add a delta to a model in place, e.g. to export an ordinary checkpoint.

    A model whose output embeddings are its input embeddings moves on both sides, as `tied` wants; under the other
    strategies give it output embeddings of its own first.
    """
    if ticket is None:
        delta.check_dense({name: tuple(model.get_parameter(name).shape) for name in delta.values})
    else:
        delta.check(ticket)
    displaced = []
    for name in delta.values:
        parameter = model.get_parameter(in_model(name)).data
        flat = parameter.view(-1)
        places = everywhere(delta, name, parameter) if ticket is None else positions_in(delta, ticket, name)
        positions = places.to(flat.device)
        pristine = flat[positions]
        flat[positions] = pristine + delta.decode(name).to(flat.device)
        displaced.append((flat, positions, pristine))
    return Applied(displaced)


def in_model(name: str) -> str:
    """Name a parameter as the model that computes with it does: the output bias is the decoder's."""
    return DECODER_BIAS if name == LM_BIAS else name


def everywhere(delta: Delta, name: str, tensor: Tensor) -> Tensor:
    """Flat positions of a dense delta's values in their tensor, (K,)."""
    if name not in delta.rows:
        return torch.arange(tensor.numel())
    width = prod(tensor.shape[1:])
    return (delta.rows[name][:, None] * width + torch.arange(width)).flatten()
