"""How sure a figure is: means over seeds, sample deviations, and a paired bootstrap over seeds and test pairs.

Seeds and test pairs are drawn anew with replacement, the same ones for every method, since all methods of a seed saw
the same examples and all were scored on the same pairs; a pair that is there in several languages is drawn for all of
them. Few seeds tell little about how seeds differ: with two, intervals are too narrow.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum

import numpy as np
from numpy.typing import NDArray

from ltp.training.seeds import step_seed

RESAMPLES = 10_000
BLOCK = 500
"""Resamples that are multiplied at a time."""
TAIL = 2.5
"""Per cent left out on each side of a 95 % interval."""
SEED = 0

Floats = NDArray[np.float64]
Hits = Mapping[str, NDArray[np.bool_]]
"""For each language which test pairs were answered rightly, in the order of its ids."""
Ids = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Spread:
    """A mean over seeds and the sample standard deviation; None for a single seed."""

    mean: float
    sd: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(
            mean=fsum(values) / len(values),
            sd=statistics.stdev(values) if len(values) > 1 else None,
            count=len(values),
        )


@dataclass(frozen=True)
class Interval:
    """The 95 % percentile interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """`first` minus `second`: the mean difference of accuracy, its interval, and how surprising it would be by chance.

    `p` is two-sided; `adjusted` allows for all comparisons made side by side (Holm).
    """

    first: str
    second: str
    difference: float
    interval: Interval
    p: float
    adjusted: float = 1.0


class Bootstrap:
    """Replicates of a mean accuracy over languages, all drawn with the same seeds and test pairs."""

    def __init__(self, ids: Ids, *, seeds: int) -> None:
        self._ids = ids
        known = sorted({row for rows in ids.values() for row in rows})
        self._column = {row: column for column, row in enumerate(known)}
        self._seeds, self._pairs = seeds, len(known)

    @cached_property
    def _pair_counts(self) -> NDArray[np.uint8]:
        """How often each pair is drawn: (pairs, resamples)."""
        generator = np.random.Generator(np.random.Philox(key=step_seed(SEED, 0, self._pairs)))
        counts = np.empty((self._pairs, RESAMPLES), np.uint8)
        for index in range(RESAMPLES):
            drawn = generator.integers(0, self._pairs, self._pairs)
            counts[:, index] = np.bincount(drawn, minlength=self._pairs)
        return counts

    @cached_property
    def _seed_counts(self) -> Floats:
        """How often each seed is drawn: (seeds, resamples)."""
        generator = np.random.Generator(np.random.Philox(key=step_seed(SEED, 1, self._seeds)))
        drawn = generator.integers(0, self._seeds, (RESAMPLES, self._seeds))
        return np.stack([np.bincount(row, minlength=self._seeds) for row in drawn], axis=1).astype(np.float64)

    def replicates(self, runs: Sequence[Hits]) -> Floats:
        """Mean accuracies (resamples,) of a method whose seeds answered so; one entry of `runs` a seed."""
        parts = np.zeros((self._seeds, self._pairs))
        for seed, hits in enumerate(runs):
            for language, right in hits.items():
                columns = [self._column[row] for row in self._ids[language]]
                parts[seed, columns] += right / (len(hits) * len(right))
        blocks = [self._pair_counts[:, start : start + BLOCK] for start in range(0, RESAMPLES, BLOCK)]
        drawn = np.concatenate([parts @ block.astype(np.float64) for block in blocks], axis=1)  # (seeds, resamples)
        return np.asarray((drawn * self._seed_counts).sum(0) / self._seeds)


def interval(replicates: Floats) -> Interval:
    """The 95 % interval of what the replicates are of."""
    low, high = np.percentile(replicates, [TAIL, 100 - TAIL])
    return Interval(float(low), float(high))


def compare(first: tuple[str, Floats, float], second: tuple[str, Floats, float]) -> Comparison:
    """Compare two methods: name, replicates, and observed mean accuracy of each."""
    differences = first[1] - second[1]
    at_most, at_least = (differences <= 0).sum(), (differences >= 0).sum()
    p = min(1.0, 2 * (1 + int(min(at_most, at_least))) / (1 + len(differences)))
    return Comparison(first[0], second[0], first[2] - second[2], interval(differences), p)


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with `adjusted` for their number (Holm 1979), in the same order."""
    adjusted, highest = {}, 0.0
    for rank, index in enumerate(sorted(range(len(comparisons)), key=lambda each: comparisons[each].p)):
        highest = max(highest, min(1.0, comparisons[index].p * (len(comparisons) - rank)))
        adjusted[index] = highest
    return [
        Comparison(each.first, each.second, each.difference, each.interval, each.p, adjusted[index])
        for index, each in enumerate(comparisons)
    ]
