"""An adapter as it is stored: its values in memory, fused with the backbone just before a product needs them.

Nothing of it is kept fused but its norms and head, which are small. A product is fused into a scratch that all adapters
use in turn; of an embedding matrix only the rows that a batch asks for.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.backbone.architecture import DECODER, EMBEDDING_MATRICES, LM_BIAS, WORD_EMBEDDINGS, is_layer_norm
from ltp.backbone.strategy import STRATEGIES
from ltp.compute.cuda.adding import in_one_launch
from ltp.compute.masked_add import FuseTask, all_active, fuse_all, fuse_into
from ltp.delta.delta import Delta
from ltp.delta.fuse import bits_of_rows, fuse_task, nonzero_tensors
from ltp.engine.adapter_view import AdapterView, ReadyRows, among
from ltp.engine.int8_linear import Int8Linear
from ltp.engine.linear import Linear
from ltp.engine.projections import PackedLinear
from ltp.model.encoder import Overlay
from ltp.model.head import ClassHead, Module, WordHead
from ltp.ticket.mask import Ticket, active_in_rows

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.engine.shared_weights import SharedWeights

COUNTED_ROWS = 4096
"""Rows of a mask counted at a time."""


class CompactAdapter:
    """One adapter on its ticket, or a dense one; `view` answers as it is, `fused` makes one that answers faster.

    Raises:
        CorruptArtifact: the template fits no input of this backbone, or the words are not of its vocabulary.
    """

    def __init__(self, shared: SharedWeights, adapter: Adapter, ticket: Ticket | None) -> None:
        self._shared, self._ticket = shared, ticket
        self._delta = shared.kept(adapter.delta)
        self._moved = frozenset(nonzero_tensors(self._delta))
        self._tied = STRATEGIES[adapter.strategy].ties_output
        self._verbalizer = adapter.verbalizer
        self.changes_nothing = not self._moved and not adapter.head
        """Whether nothing but the prompt was trained."""
        self._units = [unit for unit in shared.units.values() if self._changes(unit)]
        self.view = self._view(adapter)
        self.nbytes = adapter.nbytes + self.view.nbytes
        self.fused_nbytes = self._fused_nbytes()

    def _view(self, adapter: Adapter) -> AdapterView:
        shared = self._shared
        prompt = adapter.prompt.to(shared.device)
        space, words = self._verbalizer.label_space, self._verbalizer.by_label
        view = AdapterView(prompt, shared.template(adapter), nbytes=prompt.nbytes, label_space=space)
        if adapter.calibration is not None:
            bias = torch.tensor(adapter.calibration.bias, device=shared.device)
            view = replace(view, temperature=adapter.calibration.temperature, bias=bias)
        if self.changes_nothing:
            return view if words is None else replace(view, head=shared.head_of(words))
        viewless = copy(self)  # not itself: in a cycle, the values would outlive their eviction until a collection
        norms = self._norms()
        stored = {name: StoredRows(self, name) for name in EMBEDDING_MATRICES if name in self._moved}
        head = self._head(adapter, stored.get(WORD_EMBEDDINGS))
        size = sum(rows.nbytes for rows in stored.values()) + self._size(*norms.values()) + self._head_size(head)
        return replace(
            view,
            kind=" ".join(unit.name for unit in self._units),
            products={unit.name: JustInTime(viewless, unit) for unit in self._units},
            norms=norms,
            embeddings=stored,
            head=head,
            nbytes=view.nbytes + size,
        )

    def fused(self) -> AdapterView:
        """Fuse all of it."""
        if self.changes_nothing:
            return self.view
        with in_one_launch():
            products = {unit.name: self.linear(unit) for unit in self._units}
        embeddings = {
            name: ReadyRows(rows.overlay())
            for name, rows in self.view.embeddings.items()
            if isinstance(rows, StoredRows)
        }
        return replace(self.view, products=products, embeddings=embeddings, nbytes=self.fused_nbytes)

    def _fused_nbytes(self) -> int:
        """Bytes that `fused` will keep."""
        products = sum(self._shared.product_nbytes(unit) for unit in self._units)
        rows = sum(
            self._delta.rows[name].nbytes + 4 * len(self._delta.rows[name]) * self._shared.tensors[name].shape[1]
            for name in self.view.embeddings
        )
        return (
            products
            + rows
            + self.view.prompt.nbytes
            + self._size(*self.view.norms.values())
            + self._head_size(self.view.head)
        )

    def _changes(self, unit: PackedLinear) -> bool:
        return any(f"{module}.{part}" in self._moved for module in unit.modules for part in ("weight", "bias"))

    def linear(self, unit: PackedLinear) -> Linear | Int8Linear:
        """Fuse one product to keep."""
        weight, bias = self._shared.scratch.of(unit)
        if not self._shared.copies_weight(unit):
            weight = torch.empty_like(weight)
        weight, bias = self.fuse(unit, weight, torch.empty_like(bias))
        return self._shared.linear(unit, weight, bias)

    def just_in_time(self, unit: PackedLinear) -> Linear | Int8Linear:
        """Fuse one product into the scratch; it is overwritten by the next one."""
        weight, bias = self.fuse(unit, *self._shared.scratch.of(unit))
        return self._shared.linear(unit, weight, bias, reorder=not self._shared.any_layout)

    def fuse(self, unit: PackedLinear, weight: Tensor, bias: Tensor) -> Module:
        """Fill a unit's weight (height, width) and bias (height,)."""
        work: list[FuseTask] = []
        for module, rows in unit.places():
            for buffer, name in ((weight[rows], f"{module}.weight"), (bias[rows], f"{module}.bias")):
                if name in self._moved:
                    work.append(self.fuse_task(buffer, name))
                else:
                    buffer.copy_(self._shared.tensors[name])
        fuse_all(work)
        return weight, bias

    def fuse_task(self, buffer: Tensor, name: str) -> FuseTask:
        """One tensor, ready to be fused into `buffer`."""
        return fuse_task(buffer, self._shared.tensors[name], self._delta, self._ticket, name)

    def _norms(self) -> dict[str, Module]:
        changed = {name.rpartition(".")[0] for name in self._moved if is_layer_norm(name)}
        return {name: (self._whole(f"{name}.weight"), self._whole(f"{name}.bias")) for name in sorted(changed)}

    def _whole(self, name: str) -> Tensor:
        pristine = self._shared.tensors[name]
        if name not in self._moved:
            return pristine
        tensor = torch.empty_like(pristine)
        fuse_all([self.fuse_task(tensor, name)])
        return tensor

    def _head(self, adapter: Adapter, words: StoredRows | None) -> WordHead | ClassHead | None:
        shared, answers = self._shared, self._verbalizer.by_label
        if answers is None:
            return ClassHead({name: tensor.to(shared.device) for name, tensor in adapter.head.items()})
        if not (self._tied and words) and not any(map(_of_head, self._moved)):
            return shared.head_of(answers)
        tokens = shared.tokens_of(answers)
        vectors = (shared.tensors[WORD_EMBEDDINGS] if self._tied else shared.backbone.decoder)[tokens]
        biases = shared.tensors[LM_BIAS][tokens]
        if self._tied and words:
            words.patch(tokens, vectors)
        if DECODER in self._moved:
            StoredRows(self, DECODER).patch(tokens, vectors)
        if LM_BIAS in self._moved:
            StoredRows(self, LM_BIAS).patch(tokens, biases[:, None])
        dense, norm = (
            (self._whole(f"lm_head.{part}.weight"), self._whole(f"lm_head.{part}.bias"))
            for part in ("dense", "layer_norm")
        )
        return WordHead(dense, norm, (vectors, biases), shared.head.epsilon)

    def _head_size(self, head: WordHead | ClassHead | None) -> int:
        match head:
            case WordHead(dense=dense, norm=norm, answers=answers) if not self._shared.keeps(head):
                return self._size(dense, norm, answers)
            case ClassHead(tensors=tensors):
                return sum(tensor.nbytes for tensor in tensors.values())
        return 0

    def _size(self, *modules: Module) -> int:
        """Bytes of what is not the backbone's own."""
        return sum(tensor.nbytes for module in modules for tensor in module if not self._shared.owns(tensor))

    def of_matrix(self, name: str) -> tuple[Delta, Ticket | None, Tensor]:
        """Return what the rows of an embedding matrix are fused from."""
        return self._delta, self._ticket, self._shared.tensors[name]


class JustInTime:
    """A product whose weight is fused when it is called."""

    def __init__(self, compact: CompactAdapter, unit: PackedLinear) -> None:
        self._compact, self._unit = compact, unit

    def __call__(self, tokens: Tensor) -> Tensor:
        """Multiply tokens (N, I) into (N, O)."""
        return self._compact.just_in_time(self._unit)(tokens)


class StoredRows:
    """Rows of an embedding matrix as stored."""

    def __init__(self, compact: CompactAdapter, name: str) -> None:
        self._delta, self._ticket, tensor = compact.of_matrix(name)
        self._name, self._pristine = name, tensor.view(len(tensor), -1)  # (V, H); biases (V, 1)
        self._stored = self._delta.rows[name]
        self._rows = self._stored.to(self._pristine.device)
        self._starts = None if self._ticket is None else _starts(self._ticket, name, self._stored)
        self.nbytes = 0 if self._starts is None else self._starts.nbytes

    def patch(self, ids: Tensor, vectors: Tensor) -> None:
        """See `Rows`: only rows that are asked for are fused."""
        hits, slots = among(self._rows, ids)
        used, which = torch.unique(slots, return_inverse=True)
        vectors.index_copy_(0, hits, self._fused(used)[which])

    def overlay(self) -> Overlay:
        """All rows, fused."""
        return Overlay(self._rows, self._fused(torch.arange(len(self._rows), device=self._rows.device)))

    def _fused(self, slots: Tensor) -> Tensor:
        """Fuse some rows, (n, H)."""
        changed, here = self._pristine[self._rows[slots]], slots.cpu()
        if self._ticket is None or self._starts is None:  # every element of the rows has its value
            places, active = (
                torch.arange(changed.shape[1]) + here[:, None] * changed.shape[1],
                all_active(changed.numel()),
            )
        else:
            places = torch.from_numpy(_value_places(self._starts, here.numpy()))
            active = bits_of_rows(self._ticket, self._name, self._stored[here])
        some = self._delta.some(self._name, places.flatten())
        return fuse_into(changed, changed, some.to(changed.device), self._delta.exponents[self._name], active)


def _value_places(starts: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the values of some rows are among all stored."""
    firsts, counts = starts[slots], starts[slots + 1] - starts[slots]
    ends = counts.cumsum()
    places: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(firsts - (ends - counts), counts)
    return places


def _starts(ticket: Ticket, name: str, rows: Tensor) -> NDArray[np.int64]:
    """The first value of each stored row, and their number, (R + 1,)."""
    counts = [
        active_in_rows(ticket, name, rows[start : start + COUNTED_ROWS]).sum(1)
        for start in range(0, len(rows), COUNTED_ROWS)
    ]
    starts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.concatenate(counts), out=starts[1:])
    return starts


def _of_head(name: str) -> bool:
    return name.startswith("lm_head.")
