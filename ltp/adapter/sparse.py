"""Sparse fine-tuning of 3.2: the ticket's active parameters as one compact vector, everything else frozen.

The optimiser sees only that vector and the soft prompt. Each tensor with active entries has a dense working copy, into
which the vector is scattered after every step and from whose gradient it gathers its own; a frozen entry is never
written. Of the word embeddings only the rows that the training examples touch (and, under `tied`, the verbalizer's) are
held: AdamW without weight decay never moves a row without gradient, so this is exact. The rows of a start that they do
not touch are added when the changes are encoded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import EMBEDDING_MATRICES, WORD_EMBEDDINGS
from ltp.backbone.load import Backbone
from ltp.backbone.strategy import STRATEGIES
from ltp.delta.changes import Changes
from ltp.delta.delta import Delta, DeltaDtype, encode
from ltp.delta.row_values import RowValues, counts_in_rows
from ltp.model.encoder import Overlay, Weights, weights_from
from ltp.model.template import Encoded
from ltp.ticket.mask import Ticket, active_in_rows


@dataclass(frozen=True)
class _Piece:
    """One tensor's share of the vector."""

    pristine: Tensor
    dense: Tensor
    """The working copy, a leaf of the autograd graph."""
    positions: Tensor
    """Flat positions inside `dense`, (k,)."""
    span: slice
    """Where its values lie in the vector."""


class SparseParameters:
    """The active parameters in training. `values` (K,) is what the optimiser moves; `scatter` makes it take effect.

    `rows` (R,) are the word embedding rows that can move: the others' active entries get no gradient from the examples.
    Without a ticket nothing is active (method `pt`). `words` (K,) are the tokens predicted at `<mask>`, those of the
    paper's verbalizer when None. `start` is what the pretrained values are changed by before training; `rows` has those
    of its rows that will be read.
    """

    def __init__(
        self,
        backbone: Backbone,
        ticket: Ticket | None,
        *,
        rows: Tensor,
        words: Tensor | None = None,
        start: Changes | None = None,
    ) -> None:
        words = backbone.verbalizer if words is None else words
        self.rows, self._ticket, self._start = rows, ticket, start
        self._names = sorted(ticket.masks) if ticket else []
        self._pieces = dict(self._cut(backbone, ticket)) if ticket else {}
        self.values = torch.empty(sum(len(piece.positions) for piece in self._pieces.values()), device=rows.device)
        self.values.grad = torch.zeros_like(self.values)
        self._gather_gradients()
        self.reset()
        self._weights = self._view(backbone, words)
        tied = ticket is not None and STRATEGIES[ticket.strategy].ties_output and WORD_EMBEDDINGS in self._pieces
        self._answer_rows = torch.searchsorted(rows, words) if tied else None

    def _cut(self, backbone: Backbone, ticket: Ticket) -> Iterator[tuple[str, _Piece]]:
        start = 0
        for name in self._names:
            pristine, positions = backbone.parameters[name], self._positions(ticket, name)
            if name == WORD_EMBEDDINGS:
                pristine = pristine[self.rows]  # (R, H)
            if len(positions):
                span = slice(start, start := start + len(positions))
                yield name, _Piece(pristine, pristine.clone(), positions, span)

    def _positions(self, ticket: Ticket, name: str) -> Tensor:
        if name != WORD_EMBEDDINGS:
            return ticket.positions_on(name, self.rows.device)
        active = torch.from_numpy(active_in_rows(ticket, name, self.rows))  # (R, H)
        return active.flatten().nonzero().squeeze(1).to(self.rows.device)

    def _gather_gradients(self) -> None:
        """Have each dense gradient added to the vector's, and freed, as soon as a part of the batch is through."""
        for piece in self._pieces.values():
            gather = partial(_gather, self.values, piece.positions, piece.span)
            piece.dense.requires_grad_().register_post_accumulate_grad_hook(gather)  # type: ignore[no-untyped-call]

    def _view(self, backbone: Backbone, answers: Tensor) -> Weights:
        dense = {name: piece.dense for name, piece in self._pieces.items()}
        words = dense.pop(WORD_EMBEDDINGS, None)
        return weights_from(
            backbone, dense, overlay=None if words is None else Overlay(self.rows, words), words=answers
        )

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimiser moves: the vector, if anything is active."""
        return [self.values] if len(self.values) else []

    def reset(self) -> None:
        """Put every active parameter back to its pretrained value, or to where it starts."""
        for name, piece in self._pieces.items():
            self.values[piece.span] = piece.pristine.view(-1).index_select(0, piece.positions)
            if self._start is not None and self._ticket is not None:
                self.values[piece.span] += self._begins(name, self._start, self._ticket).to(self.values.device)
        self.scatter()

    def _begins(self, name: str, start: Changes, ticket: Ticket) -> Tensor:
        """By how much the start changes a tensor, (k,)."""
        if name not in EMBEDDING_MATRICES:
            return start.values[name]
        rows = self.rows.cpu() if name == WORD_EMBEDDINGS else torch.arange(ticket.shapes[name][0])
        held = start.of_rows(ticket, ticket.shapes, name)
        return held.at(rows, counts_in_rows(ticket, ticket.shapes, name, rows))

    @torch.no_grad()
    def scatter(self) -> None:
        """Write the vector into the working copies; to be called after every change of it."""
        for piece in self._pieces.values():
            piece.dense.view(-1).scatter_(0, piece.positions, self.values[piece.span])

    def after_step(self) -> None:
        """Make a step take effect and forget its gradients; to be called after every one."""
        self.scatter()
        if self.values.grad is not None:
            self.values.grad.zero_()

    def restore(self, values: Tensor) -> None:
        """Go on from the values of an earlier run."""
        self.values.copy_(values)
        self.scatter()

    def weights(self) -> Weights:
        """Give the model as it stands, differentiable; under `tied` the verbalizer's output rows are the input's."""
        if self._answer_rows is None:
            return self._weights
        answers = F.embedding(self._answer_rows, self._pieces[WORD_EMBEDDINGS].dense)
        return dataclasses.replace(self._weights, answers=(answers, self._weights.answers[1]))

    def changes(self, values: Tensor) -> dict[str, Tensor]:
        """Trained minus pretrained values, (k,) for each tensor of the ticket; word embeddings only in `rows`."""
        changes = {name: values.new_empty(0) for name in self._names}
        for name, piece in self._pieces.items():
            changes[name] = values[piece.span] - piece.pristine.view(-1).index_select(0, piece.positions)
        return changes

    def delta(self, values: Tensor, dtype: DeltaDtype) -> Delta:
        """Encode what moved, to be published."""
        if self._ticket is None:
            return Delta({}, {}, {})
        changes, rows = self.changes(values), self.rows.cpu()
        if self._start is not None and WORD_EMBEDDINGS in changes:
            shapes, trained = self._ticket.shapes, changes[WORD_EMBEDDINGS].cpu()
            mine = RowValues(rows, counts_in_rows(self._ticket, shapes, WORD_EMBEDDINGS, rows), trained)
            whole = mine.joined(self._start.of_rows(self._ticket, shapes, WORD_EMBEDDINGS).without(rows))
            rows, changes[WORD_EMBEDDINGS] = whole.rows, whole.values
        return encode(changes, self._ticket, dtype=dtype, rows={WORD_EMBEDDINGS: rows})


def _gather(values: Tensor, positions: Tensor, span: slice, dense: Tensor) -> None:
    """Move a working copy's gradient to the vector's.

    The hook that calls it must not refer to the working copy: torch holds hooks where the garbage collector does not
    look, so that the model of every training would stay in memory.
    """
    if values.grad is not None and dense.grad is not None:
        values.grad[span] += dense.grad.view(-1).index_select(0, positions)  # by brackets it takes 14 times as long
        dense.grad = None


def touched_rows(backbone: Backbone, examples: Sequence[Encoded], *, tied: bool, words: Tensor | None = None) -> Tensor:
    """Word embedding rows that training on `examples` can move, ascending (R,).

    Under `tied` those of `words` (K,) among them, the verbalizer's when None.
    """
    tokens = {token for example in examples for token in example.ids} - {backbone.special.pad}
    if tied:
        tokens |= set((backbone.verbalizer if words is None else words).tolist())
    return torch.tensor(sorted(tokens), device=backbone.verbalizer.device)
