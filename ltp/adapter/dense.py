"""Fine-tuning of the whole model, for the methods the paper compares to (4.3): every parameter trains.

What cannot move is not trained: word embedding rows that no training example touches, output embeddings and biases of
other words than the verbalizer's, and the masked language model's head under a classifier. AdamW without weight decay
never moves what has no gradient, so that is exact, and spares the largest matrix; rows of a start that stay as they are
are added when the changes are encoded. Input and output embeddings are one
where the checkpoint ties them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import BY_ROWS, DECODER, LM_BIAS, WORD_EMBEDDINGS, layer_of
from ltp.backbone.load import Backbone
from ltp.compute.buffers import allocate
from ltp.delta.changes import Changes
from ltp.delta.delta import Delta, DeltaDtype, encode_dense
from ltp.delta.row_values import RowValues, counts_in_rows
from ltp.model.encoder import Overlay, Weights, weights_from


@dataclass(frozen=True)
class _DensePiece:
    """One tensor's share of the vector, or that of some of its rows."""

    pristine: Tensor
    leaf: Tensor
    """A view of the vector, of the tensor's shape, and a leaf of the autograd graph."""
    span: slice


class DenseParameters:
    """Every parameter in training. `values` (K,) are all that can move, and `tensors` views of them.

    `rows` (R,) are the word embedding rows that can move, ascending; `words` (K,) the tokens predicted at `<mask>`, or
    None under a classification head. `start`, of whole tensors, is what the pretrained values are changed by before
    training; `rows` has those of its rows that will be read.
    """

    def __init__(self, backbone: Backbone, *, rows: Tensor, words: Tensor | None, start: Changes | None = None) -> None:
        self._backbone, self._words, self._start = backbone, words, start
        self.rows = {WORD_EMBEDDINGS: rows}
        if words is not None:
            answers = words.sort().values
            self.rows |= {name: answers for name in (DECODER, LM_BIAS) if name in backbone.parameters}
            self._slots = torch.searchsorted(answers, words)
            self._word_slots = torch.searchsorted(rows, words)
        self._pieces = dict(self._cut())
        if start is not None:
            self.reset()
        self._weights = self._view()

    def _cut(self) -> Iterator[tuple[str, _DensePiece]]:
        parameters = self._backbone.parameters
        known = [name for name in parameters if name not in (WORD_EMBEDDINGS, DECODER, LM_BIAS)]
        whole = {name: parameters[name] for name in known if self._words is not None or layer_of(name) is not None}
        some = {name: parameters[name][rows] for name, rows in self.rows.items()}  # (R, H); biases (K,)
        pristine = whole | some  # rows come last, so that the tensors before them are aligned as they were
        device = self.rows[WORD_EMBEDDINGS].device
        (self.values,) = allocate([((sum(tensor.numel() for tensor in pristine.values()),), torch.float32)], device)
        start = 0
        for name, tensor in pristine.items():
            span = slice(start, start := start + tensor.numel())
            leaf = self.values[span].view(tensor.shape).detach()
            yield name, _DensePiece(tensor, leaf.copy_(tensor).requires_grad_(), span)

    def _view(self) -> Weights:
        leaves = {name: piece.leaf for name, piece in self._pieces.items()}
        words = leaves.pop(WORD_EMBEDDINGS)
        for name in (DECODER, LM_BIAS):
            leaves.pop(name, None)
        return weights_from(self._backbone, leaves, overlay=Overlay(self.rows[WORD_EMBEDDINGS], words))

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimiser moves."""
        return [piece.leaf for piece in self._pieces.values()]

    @torch.no_grad()
    def reset(self) -> None:
        """Put everything back to its pretrained value, or to where it starts."""
        for name, piece in self._pieces.items():
            piece.leaf.copy_(piece.pristine)
            if self._start is not None and name in self._start.values:
                begins = self._begins(name, self._start).to(piece.leaf.device)
                piece.leaf.add_(begins.view(piece.leaf.shape))

    def _begins(self, name: str, start: Changes) -> Tensor:
        """By how much the start changes a tensor, or those of its rows that train, flat."""
        if name not in BY_ROWS:
            return start.values[name]
        rows, shapes = self._rows_of(name), self._backbone.shapes
        return start.of_rows(None, shapes, name).at(rows, counts_in_rows(None, shapes, name, rows))

    def _rows_of(self, name: str) -> Tensor:
        """The rows of a tensor that train."""
        return self.rows[name].cpu() if name in self.rows else torch.arange(len(self._pieces[name].pristine))

    def after_step(self) -> None:
        """Forget the gradients; to be called after every step."""
        for piece in self._pieces.values():
            piece.leaf.grad = None

    def restore(self, values: Tensor) -> None:
        """Go on from the values of an earlier run."""
        self.values.copy_(values)

    def weights(self) -> Weights:
        """Give the model as it stands, differentiable."""
        if self._words is None:
            return self._weights
        if DECODER in self._pieces:
            vectors = F.embedding(self._slots, self._pieces[DECODER].leaf)
        else:
            vectors = F.embedding(self._word_slots, self._pieces[WORD_EMBEDDINGS].leaf)
        return dataclasses.replace(self._weights, answers=(vectors, self._pieces[LM_BIAS].leaf[self._slots]))

    def changes(self, values: Tensor) -> dict[str, Tensor]:
        """Trained minus pretrained values of each tensor, flat; of those in `rows` these rows only."""
        return {name: values[piece.span] - piece.pristine.reshape(-1) for name, piece in self._pieces.items()}

    def delta(self, values: Tensor, dtype: DeltaDtype) -> Delta:
        """Encode what moved, to be published."""
        rows = {name: self._rows_of(name) for name in self._pieces if name in BY_ROWS}
        changes = self.changes(values)
        if self._start is not None:
            for name in rows:
                rows[name], changes[name] = self._whole(name, self._start, rows[name], changes[name].cpu())
        return encode_dense(changes, rows, dtype=dtype)

    def _whole(self, name: str, start: Changes, rows: Tensor, trained: Tensor) -> tuple[Tensor, Tensor]:
        """Rows that trained, and those of the start that did not, with their changes."""
        shapes = self._backbone.shapes
        mine = RowValues(rows, counts_in_rows(None, shapes, name, rows), trained)
        whole = mine.joined(start.of_rows(None, shapes, name).without(rows))
        return whole.rows, whole.values
