"""Intervals of a mean accuracy: test premises and seeds drawn anew, the same ones for all that is compared.

Pairs of one premise stand or fall together, in all languages that translate it, so whole premises are drawn. Few seeds
drawn with replacement vary less than seeds do, by the factor (n - 1) / n of the variance; that is made up for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ltp.reproduce.data.draw import premises
from ltp.reproduce.data.rows import LabelledFile
from ltp.reproduce.report.statistics import Floats, Hits
from ltp.training.seeds import step_seed

RESAMPLES = 10_000
SEED = 0

Clusters = Mapping[str, NDArray[np.int64]]
"""For each language the premise of each of its test pairs, numbered from 0."""


def clusters_of(files: Sequence[LabelledFile], pairs: int | None) -> Clusters:
    """Number the premises of parallel test files, of the first `pairs` of each."""
    groups = premises(files)
    kept = {file.language: [groups[row] for row in file.ids[:pairs]] for file in files}
    known = {group: number for number, group in enumerate(sorted({each for own in kept.values() for each in own}))}
    return {language: np.array([known[group] for group in own]) for language, own in kept.items()}


class PremiseBootstrap:
    """Replicates of mean accuracies over languages, all drawn with the same premises and seeds."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._count = 1 + max(int(own.max()) for own in clusters.values())

    @cached_property
    def _drawn(self) -> Floats:
        """How often each premise is drawn: (premises, resamples)."""
        generator = np.random.Generator(np.random.Philox(key=step_seed(SEED, 0, self._count)))
        return generator.multinomial(self._count, np.full(self._count, 1 / self._count), RESAMPLES).T.astype(np.float64)

    def _seeds_drawn(self, seeds: int) -> Floats:
        """The share of each seed: (seeds, resamples), spread out by sqrt(n / (n - 1)) around equal shares."""
        if seeds == 1:
            return np.ones((1, RESAMPLES))
        generator = np.random.Generator(np.random.Philox(key=step_seed(SEED, 1, seeds)))
        shares = generator.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES).T / seeds
        wider: Floats = 1 / seeds + sqrt(seeds / (seeds - 1)) * (shares - 1 / seeds)
        return wider

    def replicates(self, runs: Sequence[Hits]) -> Floats:
        """Mean accuracies (resamples,) over the languages that `runs` hold, one entry a seed."""
        by_seed = np.zeros((len(runs), RESAMPLES))
        for language in runs[0]:
            own = self._clusters[language]
            drawn = np.bincount(own, minlength=self._count) @ self._drawn  # (resamples,)
            right = np.stack([np.bincount(own, hits[language], self._count) for hits in runs])  # (seeds, premises)
            by_seed += right @ self._drawn / np.maximum(drawn, 1) / len(runs[0])
        mean: Floats = (by_seed * self._seeds_drawn(len(runs))).sum(0)
        return mean
