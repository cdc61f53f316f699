"""A ticket's positions in an MLM run: one vector that the optimiser moves, everything else of the model frozen.

Each tensor with active entries has a dense working copy, into which the vector is scattered after every step and from
whose gradient it gathers its own. Of the word embeddings only the rows that some step reads are held, unless output and
input embeddings are one: AdamW without weight decay never moves a row without gradient, so this is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.ticket.mask import Ticket, active_in_rows

MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class _Piece:
    """One tensor's share of the vector."""

    dense: Parameter
    """The working copy, with a gradient of its own that is zero between steps."""
    positions: Tensor
    """Flat positions inside `dense`, (k,)."""
    span: slice
    """Where its values lie in the vector."""


class TicketParameters:
    """The ticket's active values in training, where they came from, and their optimiser.

    `rows` (R,) are the word embedding rows that are held, None when all are, or none is active.
    """

    def __init__(self, backbone: Backbone, ticket: Ticket, *, rows: Tensor) -> None:
        self.strategy = STRATEGIES[ticket.strategy]
        self.strategy.check_fits(backbone=backbone.info.name, tied=backbone.info.tied)
        device = backbone.decoder.device
        some = WORD_EMBEDDINGS in ticket.masks and not self.strategy.ties_output
        self.rows = rows.to(device) if some else None
        self._pieces = dict(self._cut(backbone, ticket))
        self.parameters = {name: piece.dense for name, piece in self._pieces.items()}
        self.origin = self._gathered({name: dense.detach() for name, dense in self.parameters.items()})
        self._values = Parameter(self.origin.clone())
        self._values.grad = torch.zeros_like(self._values)
        self._optimizer = torch.optim.AdamW([self._values], weight_decay=0.0, fused=True)
        self._optimizer.state[self._values] = {
            "step": torch.zeros((), device=device),
            **{moment: torch.zeros_like(self.origin) for moment in MOMENTS},
        }
        untied = not self.strategy.ties_output and backbone.info.tied
        self._dense_size = backbone.info.parameters + (backbone.decoder.numel() if untied else 0)

    def _cut(self, backbone: Backbone, ticket: Ticket) -> Iterator[tuple[str, _Piece]]:
        start = 0
        for name in sorted(ticket.masks):
            tensor, positions = backbone.parameters[name], self._positions(ticket, name, backbone.decoder.device)
            if name == WORD_EMBEDDINGS and self.rows is not None:
                tensor = tensor[self.rows]  # (R, H)
            dense = Parameter(tensor.clone())
            dense.grad = torch.zeros_like(dense)
            yield name, _Piece(dense, positions, slice(start, start := start + len(positions)))

    def _positions(self, ticket: Ticket, name: str, device: torch.device) -> Tensor:
        if name != WORD_EMBEDDINGS or self.rows is None:
            return ticket.positions_on(name, device)
        active = torch.from_numpy(active_in_rows(ticket, name, self.rows))  # (R, H)
        return active.flatten().nonzero().squeeze(1).to(device)

    def _gathered(self, tensors: dict[str, Tensor]) -> Tensor:
        return torch.cat([tensors[name].view(-1)[piece.positions] for name, piece in self._pieces.items()])

    @torch.no_grad()
    def set_l1_gradients(self, coefficient: float) -> Tensor:
        """Begin a step: set the gradient to that of `coefficient` x sum|theta_l - theta| / N; return that penalty.

        N counts all parameters of the dense model, as in stage 1 (4.2); what is frozen adds nothing to the sum.
        """
        assert self._values.grad is not None  # noqa: S101  made in __init__ and never set to None
        strength = coefficient / self._dense_size
        moved = torch.sub(self._values, self.origin, out=self._values.grad)
        penalty = strength * moved.abs().sum(dtype=torch.float64)
        moved.sign_().mul_(strength)
        return penalty

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Gather the gradients, let AdamW take one step, and make it take effect."""
        assert self._values.grad is not None  # noqa: S101  made in __init__ and never set to None
        for piece in self._pieces.values():
            assert piece.dense.grad is not None  # noqa: S101  made in _cut and never set to None
            self._values.grad[piece.span] += piece.dense.grad.view(-1)[piece.positions]
            piece.dense.grad.zero_()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._scatter()

    @torch.no_grad()
    def _scatter(self) -> None:
        for piece in self._pieces.values():
            piece.dense.view(-1).scatter_(0, piece.positions, self._values[piece.span])

    def snapshot(self) -> dict[str, Tensor]:
        """Copy the values as they are now."""
        return {"values": self._values.detach().clone()}

    def tensors(self) -> dict[str, Tensor]:
        """Everything a checkpoint must hold: the values and the optimiser's two moments."""
        state = self._optimizer.state[self._values]
        return {"values": self._values.detach(), **{moment: state[moment] for moment in MOMENTS}}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        """Go back to what `tensors` gave after `step` steps."""
        self._values.copy_(tensors["values"])
        state = self._optimizer.state[self._values]
        state["step"].fill_(step)
        for moment in MOMENTS:
            state[moment].copy_(tensors[moment])
        self._scatter()

    def changes(self, best: dict[str, Tensor]) -> dict[str, Tensor]:
        """By how much the values of a snapshot differ from the pretrained ones, (k,) fp32 a tensor, in ticket order."""
        moved = (best["values"] - self.origin).cpu()
        return {name: moved[piece.span] for name, piece in self._pieces.items()}
