"""A batch that mixes adapters, packed: one adapter's tokens side by side, attention in grids of a few fixed lengths.

Nothing that an example is computed in depends on the others: its grid is as long as its own length asks for, and the
rows after the last token are padding, so that products see a number of rows that they are used to.

Dimensions: B examples, N tokens of the whole batch, R rows, the tokens and padding, S soft tokens, G examples of one
grid, T tokens that have place in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.engine.adapter_view import AdapterView
from ltp.engine.row_counts import ANY, RowCounts
from ltp.model.template import Encoded

LENGTH = 8
"""A grid is as long as the next multiple of this, whoever shares it."""
UNEVEN_LANES = 16
"""Lanes may differ by this fraction of one for the sake of an adapter that stays whole."""
Part = tuple[AdapterView, Sequence[Encoded]]
"""One adapter's examples."""
T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """Where one adapter's tokens and examples are."""

    view: AdapterView
    tokens: tuple[int, int]
    examples: tuple[int, int]


@dataclass(frozen=True)
class AttentionGrid:
    """G examples that attend together, each with place for T tokens."""

    examples: Tensor
    """Their places among the B, (G,)."""
    cells: Tensor | None
    """The row in each cell, (G x T,), in cells of padding that of the example's last token; None: the first T rows."""
    keys: Tensor
    """Which cells hold a token, (G, 1, 1, T)."""

    @property
    def size(self) -> int:
        """G."""
        return len(self.examples)

    def of(self, rows: Tensor) -> Tensor:
        """The rows of its cells, (G x T, any)."""
        return rows[: self.keys.shape[-1]] if self.cells is None else rows.index_select(0, self.cells)


@dataclass(frozen=True)
class MixedBatch:
    """B examples of any adapters."""

    ids: Tensor
    positions: Tensor
    """(R,), of which the first N are tokens."""
    soft: Tensor
    """Places of the soft tokens, (S,)."""
    prompts: Tensor
    """Their embeddings, (S, H)."""
    mask: Tensor
    """Place of each example's `<mask>`, or of `<s>` under a classification head, (A,), of which the first B count."""
    spans: list[Span]
    grids: list[AttentionGrid]
    places: Tensor
    """The cell of each token, counted over all grids, (R,); any for padding."""
    places_asked: Tensor
    """The same of each example, where a grid has one cell an example, (A,)."""
    counts: RowCounts
    """With how many rows products are asked for."""


def pack_mixed(parts: Sequence[Part], *, pad: int, counts: RowCounts = ANY) -> MixedBatch:
    """Lay the examples of `parts` end to end, on the device of their prompts, for products of `counts` rows."""
    examples = [example for _, some in parts for example in some]
    device = parts[0][0].prompt.device
    lengths = np.array([len(example.ids) for example in examples])
    starts = lengths.cumsum() - lengths
    inside = np.arange(lengths.sum()) - starts.repeat(lengths)
    soft = [
        np.arange(start + example.soft_from, start + example.soft_from + example.soft)
        for example, start in zip(examples, starts, strict=True)
    ]
    spans = list(_spans(parts, [*starts.tolist(), int(lengths.sum())]))
    grids = list(_grids(lengths, starts))
    after = _rows([span.tokens for span in spans], counts) - len(inside)
    asked_after = _rows([span.examples for span in spans], counts) - len(examples)
    alone = len(examples) == 1 and len(grids[0][1]) <= len(inside) + after

    def there(array: NDArray[np.int64] | list[int], padding: int = 0, value: int = 0) -> Tensor:
        tensor = torch.as_tensor(np.pad(array, (0, padding), constant_values=value), dtype=torch.int64)
        return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

    return MixedBatch(
        ids=there([*chain.from_iterable(example.ids for example in examples)], after, pad),
        positions=there(inside + pad + 1, after, pad + 1),
        soft=there(np.concatenate(soft)),
        prompts=torch.cat([view.prompt.repeat(len(some), 1) for view, some in parts]),
        mask=there(starts + np.array([example.asked for example in examples]), asked_after),
        spans=spans,
        grids=[
            AttentionGrid(there(which), None if alone else there(cells), keys.to(device))
            for which, cells, keys in grids
        ],
        places=there(_cell_of_each(grids, len(inside)), after),
        places_asked=there(np.argsort(np.concatenate([which for which, _, _ in grids])), asked_after),
        counts=counts,
    )


def _rows(edges: Sequence[tuple[int, int]], counts: RowCounts) -> int:
    """Count the rows that products of all runs at once need, and those of any one of them."""
    return max(counts.total(edges[-1][1]), *(counts.calls(last - first)[0] for first, last in edges))


def _spans(parts: Sequence[Part], starts: list[int]) -> Iterator[Span]:
    first = 0
    for view, some in parts:
        last = first + len(some)
        yield Span(view, (starts[first], starts[last]), (first, last))
        first = last


Grid = tuple[NDArray[np.int64], NDArray[np.int64], Tensor]
"""What an `AttentionGrid` holds."""


def _grids(lengths: NDArray[np.int64], starts: NDArray[np.int64]) -> Iterator[Grid]:
    places = -(-lengths // LENGTH) * LENGTH  # (B,)
    for longest in np.unique(places)[::-1]:
        which = np.flatnonzero(places == longest)
        column, size = np.arange(longest), lengths[which][:, None]
        cells = starts[which][:, None] + np.minimum(column, size - 1)  # (G, T)
        yield which, cells.reshape(-1), torch.from_numpy(column < size)[:, None, None]


def _cell_of_each(grids: Sequence[Grid], tokens: int) -> NDArray[np.int64]:
    """Invert the grids: the cell of each of N tokens, counted over all grids."""
    cells = np.concatenate([cells for _, cells, _ in grids])
    filled = torch.cat([keys.flatten() for _, _, keys in grids]).numpy()
    found = np.empty(tokens, np.int64)
    found[cells[filled]] = np.flatnonzero(filled)
    return found


def split_into_lanes(
    parts: Sequence[tuple[AdapterView, list[T]]], size: Callable[[T], int], lanes: int
) -> list[list[tuple[AdapterView, list[T]]]]:
    """Deal the examples of some adapters, in order, into at most `lanes` lists of about as many tokens.

    The cut lies between two adapters, unless the nearest such place is further than an `UNEVEN_LANES`th of a list away.
    """
    tokens = [[size(example) for example in some] for _, some in parts]
    edges = np.cumsum([0, *map(sum, tokens)])
    share = edges[-1] / lanes
    examples = np.cumsum([0, *chain.from_iterable(tokens)])
    firsts = np.cumsum([0, *map(len, tokens)])
    cuts = {0, int(firsts[-1])}
    for lane in range(1, lanes):
        nearest = int(np.abs(edges - lane * share).argmin())
        whole = abs(edges[nearest] - lane * share) <= share / UNEVEN_LANES
        cuts.add(int(firsts[nearest] if whole else np.abs(examples - lane * share).argmin()))
    return [
        [
            (view, some[max(start - first, 0) : stop - first])
            for (view, some), first in zip(parts, firsts.tolist(), strict=False)
            if first < stop and start < first + len(some)
        ]
        for start, stop in pairwise(sorted(cuts))
    ]


def split_into_batches(sizes: Sequence[Sequence[int]], *, max_tokens: int) -> Iterator[list[tuple[int, int, int]]]:
    """Deal parts, given as their examples' lengths, into batches of at most `max_tokens` tokens, in order.

    A batch lists (part, first, last): the examples of that part it takes. An example longer than that stands alone.
    """
    batch: list[tuple[int, int, int]] = []
    tokens = 0
    for part, lengths in enumerate(sizes):
        first = 0
        for index, length in enumerate(lengths):
            if tokens and tokens + length > max_tokens:
                batch += [(part, first, index)] if index > first else []
                yield batch
                batch, tokens, first = [], 0, index
            tokens += length
        batch.append((part, first, len(lengths)))
    if batch:
        yield batch
