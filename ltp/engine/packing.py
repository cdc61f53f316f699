"""A batch that mixes adapters, packed: one adapter's tokens side by side, attention in grids of similar length.

Dimensions: B examples, N tokens of the whole batch, S soft tokens, G examples of one grid, T tokens of its longest.
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
from ltp.model.template import Encoded

SIMILAR = 0.8
"""Examples share a grid when the shortest has at least this share of the longest's tokens."""
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
    """G examples that attend together, padded to the longest."""

    examples: Tensor
    """Their places among the B, (G,)."""
    cells: Tensor
    """The token in each cell, (G x T,); in cells of padding, the example's last."""
    targets: Tensor
    """Where each cell's context belongs among the tokens, (G x T,); N, which is nowhere, for padding."""
    keys: Tensor | None
    """Which cells hold a token, (G, 1, 1, T); None when all do."""

    @property
    def size(self) -> int:
        """G."""
        return len(self.examples)


@dataclass(frozen=True)
class MixedBatch:
    """B examples of any adapters."""

    ids: Tensor
    positions: Tensor
    """(N,)."""
    soft: Tensor
    """Places of the soft tokens, (S,)."""
    prompts: Tensor
    """Their embeddings, (S, H)."""
    mask: Tensor
    """Place of each example's `<mask>`, or of `<s>` under a classification head, (B,)."""
    spans: list[Span]
    grids: list[AttentionGrid]


def pack_mixed(parts: Sequence[Part], *, pad: int) -> MixedBatch:
    """Lay the examples of `parts` end to end, on the device of their prompts."""
    examples = [example for _, some in parts for example in some]
    device = parts[0][0].prompt.device
    lengths = np.array([len(example.ids) for example in examples])
    starts = lengths.cumsum() - lengths
    inside = np.arange(lengths.sum()) - starts.repeat(lengths)
    soft = [
        np.arange(start + example.soft_from, start + example.soft_from + example.soft)
        for example, start in zip(examples, starts, strict=True)
    ]

    def there(array: NDArray[np.int64] | list[int]) -> Tensor:
        tensor = torch.as_tensor(array, dtype=torch.int64)
        return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

    return MixedBatch(
        ids=there(list(chain.from_iterable(example.ids for example in examples))),
        positions=there(inside + pad + 1),
        soft=there(np.concatenate(soft)),
        prompts=torch.cat([view.prompt.repeat(len(some), 1) for view, some in parts]),
        mask=there(starts + np.array([example.asked for example in examples])),
        spans=list(_spans(parts, [*starts.tolist(), int(lengths.sum())])),
        grids=[
            AttentionGrid(there(which), there(cells), there(targets), None if keys is None else keys.to(device))
            for which, cells, targets, keys in _grids(lengths, starts)
        ],
    )


def _spans(parts: Sequence[Part], starts: list[int]) -> Iterator[Span]:
    first = 0
    for view, some in parts:
        last = first + len(some)
        yield Span(view, (starts[first], starts[last]), (first, last))
        first = last


def _grids(
    lengths: NDArray[np.int64], starts: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Tensor | None]]:
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = lengths[order[first]]
        last = first + int((lengths[order[first:]] >= SIMILAR * longest).sum())
        which = order[first:last]
        column, size = np.arange(longest), lengths[which][:, None]
        cells = starts[which][:, None] + np.minimum(column, size - 1)  # (G, T)
        filled = column < size
        targets = np.where(filled, cells, lengths.sum())
        keys = None if filled.all() else torch.from_numpy(filled)[:, None, None]
        yield which, cells.reshape(-1), targets.reshape(-1), keys
        first = last


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
