"""From lines to batches: grouped by length so that little is padded, in an order that follows the seed.

A batch is one step of the optimiser. It is computed in parts of bounded size whose gradients add up to the batch's
own, so that memory does not depend on the batch size or the longest line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.drift.masking import Purpose, permutation
from ltp.drift.memory import PART_TOKENS
from ltp.drift.shares import Lines, Whole
from ltp.drift.tokens import Bools, Ids, Tokens, concatenated_ranges
from ltp.model.encoder import Batch

POOL = 64
"""Batches' worth of shuffled lines that are sorted by length together."""


@dataclass(frozen=True)
class MaskedBatch(Batch):
    """Some lines, packed; `mask` (M,) are the places to predict, among N tokens, and `targets` (M,) what was there."""

    targets: Tensor
    query_cells: Tensor
    """Each predicted place's cell in a (B x Q) grid, Q the most predictions in one line, (M,)."""
    queries: int
    lines: int
    whole: Whole | None = None
    """The part that the lines are some of; None if they are all of one."""

    @property
    def size(self) -> int:
        """B, the number of lines."""
        return self.lines


def epoch_order(lengths: NDArray[np.int64], batch_size: int, *, seed: int, epoch: int) -> list[Lines]:
    """Deal all lines into batches: shuffled, sorted by length within pools, and the batches shuffled again."""
    shuffled = permutation(len(lengths), seed, Purpose.ORDER, epoch, 0)
    batches: list[Lines] = []
    for start in range(0, len(shuffled), POOL * batch_size):
        pool = shuffled[start : start + POOL * batch_size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
    return [batches[index] for index in permutation(len(batches), seed, Purpose.ORDER, epoch, 1)]


def parts(lines: Lines, lengths: NDArray[np.int64], *, tokens: int = PART_TOKENS) -> Iterator[Lines]:
    """Cut a batch, longest lines first, into parts of at most `tokens` padded tokens (but one line at least)."""
    ordered = lines[np.argsort(-lengths[lines], kind="stable")]
    while len(ordered):
        fits = max(1, tokens // int(lengths[ordered[0]]))
        yield ordered[:fits]
        ordered = ordered[fits:]


def build(
    tokens: Tokens,
    inputs: Ids,
    predicted: Bools,
    lines: Lines,
    *,
    table: NDArray[np.int64],
    pad: int,
    device: str,
    whole: Whole | None = None,
) -> MaskedBatch:
    """Pack `lines`, some of a `whole` part or all of one; `table` (V,) maps token ids to rows of the table in use."""
    lengths = tokens.lengths[lines]
    places = concatenated_ranges(tokens.offsets[lines], lengths)
    inside = concatenated_ranges(np.zeros_like(lengths), lengths)
    owner = np.repeat(np.arange(len(lines)), lengths)
    longest = int(lengths.max())
    masked = np.flatnonzero(predicted[places])
    per_line = np.bincount(owner[masked], minlength=len(lines))
    queries = max(1, int(per_line.max()))
    query_cells = owner[masked] * queries + concatenated_ranges(np.zeros_like(per_line), per_line)
    padded = int(lengths.min()) < longest

    def move(array: NDArray[np.generic]) -> Tensor:
        tensor = torch.from_numpy(array)
        return tensor if device == "cpu" else tensor.pin_memory().to(device, non_blocking=True)

    return MaskedBatch(
        ids=move(table[inputs[places]]),
        positions=move(inside + pad + 1),
        soft=torch.empty(0, dtype=torch.int64, device=device),
        mask=move(masked),
        cells=move(owner * longest + inside) if padded else None,
        keys=move(np.arange(longest) < lengths[:, None])[:, None, None] if padded else None,
        longest=longest,
        targets=move(tokens.ids[places[masked]].astype(np.int64)),
        query_cells=move(query_cells),
        queries=queries,
        lines=len(lines),
        whole=whole,
    )
