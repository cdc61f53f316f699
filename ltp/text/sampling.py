"""The one way lines are sampled: seeded, uniform, in a single pass that holds no more than the sample. No torch."""

from __future__ import annotations

import random
from collections.abc import Iterable
from operator import itemgetter
from typing import TypeVar

T = TypeVar("T")


def sample_lines(lines: Iterable[T], size: int | None, seed: int = 0) -> list[T]:
    """Take at most `size` of the lines, every one as likely as any other, in their order; all of them for None.

    Reservoir sampling: the same lines, size and seed give the same sample on every Python, streamed or held in memory.
    """
    if size is None:
        return list(lines)
    rng = random.Random(seed)  # noqa: S311  repeatable, not secret
    reservoir: list[tuple[int, T]] = []
    for index, line in enumerate(lines):
        if index < size:
            reservoir.append((index, line))
        elif (slot := int(rng.random() * (index + 1))) < size:
            reservoir[slot] = (index, line)
    return [line for _, line in sorted(reservoir, key=itemgetter(0))]
