"""Which lines of a batch each of several processes computes, so that together they compute what one would.

A batch is cut into parts as for one process. The lines of all parts, one after the other, are dealt into stretches of
about as many tokens, one a process; so a process has whole parts, and at each end perhaps some lines of one. Dropout is
drawn for the whole part from the part's own seed, and the rows of its lines are taken: it does not depend on the number
of processes.

Dimensions: B lines, N tokens, T tokens of the longest line, M masked positions, Q the most of them in one line; those
of the whole part are in `Whole`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.drift.tokens import Bools, Tokens, concatenated_ranges
from ltp.training.dropout import SeededDropout, dropped

Lines = NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """Some lines of a part of a batch, at least one."""

    number: int
    """The part's, within its batch."""
    part: Lines
    first: int
    stop: int

    @property
    def lines(self) -> Lines:
        """Those of the share."""
        return self.part[self.first : self.stop]

    @property
    def is_whole(self) -> bool:
        """Whether the share is the part."""
        return self.stop - self.first == len(self.part)


def shares(parts: Sequence[Lines], lengths: NDArray[np.int64], *, rank: int, ranks: int) -> Iterator[Share]:
    """Deal the lines of a batch's parts to `ranks` processes; give what falls to one of them, in order."""
    ends = np.cumsum(lengths[np.concatenate(parts)])
    middles = ends - lengths[np.concatenate(parts)] / 2
    owner = np.minimum((middles * ranks / ends[-1]).astype(np.int64), ranks - 1)
    start = 0
    for number, part in enumerate(parts):
        mine = np.flatnonzero(owner[start : start + len(part)] == rank)
        start += len(part)
        if len(mine):
            yield Share(number, part, int(mine[0]), int(mine[-1]) + 1)


@dataclass(frozen=True)
class Whole:
    """The part that a share is of, in numbers, and where the share lies in it."""

    lines: int
    longest: int
    queries: int
    token_count: int
    masked_count: int
    tokens: slice
    masked: slice
    first: int
    stop: int

    @staticmethod
    def of(share: Share, tokens: Tokens, predicted: Bools) -> Whole:
        """Measure the part."""
        lengths = tokens.lengths[share.part]
        owner = np.repeat(np.arange(len(lengths)), lengths)
        places = concatenated_ranges(tokens.offsets[share.part], lengths)
        masked = np.bincount(owner, weights=predicted[places], minlength=len(lengths)).astype(np.int64)
        until, masked_until = (np.concatenate([[0], np.cumsum(each)]) for each in (lengths, masked))
        return Whole(
            lines=len(lengths),
            longest=int(lengths.max()),
            queries=max(1, int(masked.max())),
            token_count=int(until[-1]),
            masked_count=int(masked_until[-1]),
            tokens=slice(int(until[share.first]), int(until[share.stop])),
            masked=slice(int(masked_until[share.first]), int(masked_until[share.stop])),
            first=share.first,
            stop=share.stop,
        )


class ShareDropout:
    """What `SeededDropout` of the same seed does to the whole part, done to a share's rows of it.

    `drop` knows by their shapes what it is given: (N, H) and (M, H), the latter in fewer rows since special tokens are
    never masked, and attention's (B x heads, T, T) and (B x heads, Q, T), likewise.
    """

    def __init__(self, seed: int, device: torch.device, whole: Whole) -> None:
        self._noise, self._whole = SeededDropout(seed, device), whole

    def drop(self, tokens: Tensor, rate: float) -> Tensor:
        """Zero a share `rate` of the elements and scale the others up by 1 / (1 - rate)."""
        if rate == 0:
            return tokens
        kept = self._of_rows(tokens, rate) if tokens.dim() == 2 else self._of_heads(tokens, rate)
        return dropped(tokens, kept.contiguous(), rate)

    def _of_rows(self, tokens: Tensor, rate: float) -> Tensor:
        whole = self._whole
        every = len(tokens) == whole.tokens.stop - whole.tokens.start
        count, rows = (whole.token_count, whole.tokens) if every else (whole.masked_count, whole.masked)
        return self._noise.kept((count, tokens.shape[1]), rate)[rows]

    def _of_heads(self, scores: Tensor, rate: float) -> Tensor:
        whole = self._whole
        blocks, asking, keys = scores.shape
        heads = blocks // (whole.stop - whole.first)
        width = whole.longest if asking == keys else whole.queries
        kept = self._noise.kept((whole.lines * heads, width, whole.longest), rate)
        return kept[whole.first * heads : whole.stop * heads, :asking, :keys]
