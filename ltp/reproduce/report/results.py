"""The figures of a ledger: for each method and K the accuracies by language and seed, and comparisons of methods.

Averages that are compared cover the same languages: every one that is scored, and of the paper's figures
the same. A seed counts for an average once all of them are scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from ltp.config import LABELS
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.plan.experiment import Setting
from ltp.reproduce.plan.grid import Grid, Run, Track
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.report import paper
from ltp.reproduce.report.statistics import (
    Bootstrap,
    Comparison,
    Floats,
    Hits,
    Interval,
    Spread,
    compare,
    holm,
    interval,
)


@dataclass
class Line:
    """One method at one K of a setting: what became of each seed."""

    setting: Setting
    track: Track
    variant: Variant
    shots: int
    languages: tuple[str, ...]
    """All that are scored."""
    rate: float
    hits: dict[int, dict[str, np.ndarray[Any, np.dtype[np.bool_]]]] = field(default_factory=dict)
    """By seed and language."""
    diverged: set[int] = field(default_factory=set)

    @property
    def whole(self) -> list[int]:
        """The seeds that are scored in every language."""
        return [seed for seed, hits in sorted(self.hits.items()) if set(hits) == set(self.languages)]

    def accuracies(self, language: str) -> dict[int, float]:
        """Accuracy of each seed in a language."""
        return {seed: float(hits[language].mean()) for seed, hits in sorted(self.hits.items()) if language in hits}

    def spread(self, language: str) -> Spread | None:
        """Mean and deviation in a language; None before anything is scored."""
        values = list(self.accuracies(language).values())
        return Spread.of(values) if values else None

    @property
    def averages(self) -> dict[int, float]:
        """Mean accuracy over all languages, by seed."""
        return {
            seed: float(np.mean([self.hits[seed][language].mean() for language in self.languages]))
            for seed in self.whole
        }

    @property
    def average(self) -> Spread | None:
        """Mean and deviation of `averages`."""
        values = list(self.averages.values())
        return Spread.of(values) if values else None

    def paper(self, language: str | None = None) -> float | None:
        """The paper's figure for a language, or its average over the same languages; a share like all accuracies."""
        if self.setting.paper is None:
            return None
        table, key = paper.table(self.setting.paper), self.variant.key
        if language is not None:
            figure = table.figure(self.shots, key, language)
        else:
            figure = table.average(self.shots, key, self.languages)
        return None if figure is None else figure / 100


@dataclass(frozen=True)
class Standings:
    """The methods of a setting at one K, or over all of them: intervals of each, and each against each."""

    setting: Setting
    track: Track
    shots: int | None
    """None: the mean over all K."""
    seeds: int
    means: dict[str, float]
    """By method, best first."""
    intervals: dict[str, Interval]
    comparisons: list[Comparison]


class Results:
    """The figures of a grid's finished cells."""

    def __init__(self, grid: Grid, outcomes: Mapping[str, Outcome]) -> None:
        self.grid, self.outcomes = grid, outcomes
        self.choices = grid.choices(outcomes)
        self._lines: dict[tuple[str, Track, str, int], Line] = {}
        self._standings: dict[tuple[str, Track], list[Standings]] = {}
        for run in grid.runs(outcomes):
            self._add(run)

    def _add(self, run: Run) -> None:
        key = (run.setting.name, run.track, run.variant.key, run.shots)
        if key not in self._lines:
            named = run.training.config.learning_rate
            rate = named if isinstance(named, float) else 0.0
            scored = self.grid.scored[run.setting.name]
            self._lines[key] = Line(run.setting, run.track, run.variant, run.shots, scored, rate)
        line = self._lines[key]
        if "diverged" in self.outcomes.get(run.training.id, {}):
            line.diverged.add(run.seed)
        if outcome := self.outcomes.get(run.evaluation.id):
            suite = self.grid.data.suite(run.evaluation.suite)
            for language, scores in outcome["languages"].items():
                gold = suite.file("test", language).labels[: len(scores["predicted"])]
                right = [LABELS[int(digit)] == label for digit, label in zip(scores["predicted"], gold, strict=True)]
                line.hits.setdefault(run.seed, {})[language] = np.array(right)

    def lines(self, setting: Setting, track: Track, shots: int | None = None) -> list[Line]:
        """The lines of a table, in the order of K and methods."""
        return [
            line
            for line in self._lines.values()
            if (line.setting.name, line.track) == (setting.name, track) and shots in (None, line.shots)
        ]

    @property
    def tracks(self) -> list[Track]:
        """The paper's rate, and each method's own if it was looked for."""
        return ["paper", "best"] if self.grid.experiment.rates else ["paper"]

    def standings(self, setting: Setting, track: Track) -> list[Standings]:
        """Methods compared at each K, then over all K; where at least two methods have a seed in common."""
        key = (setting.name, track)
        if key not in self._standings:
            self._standings[key] = self._compared(setting, track)
        return self._standings[key]

    def _compared(self, setting: Setting, track: Track) -> list[Standings]:
        bootstraps: dict[tuple[int, ...], Bootstrap] = {}
        standings, over_all = [], []
        for shots in setting.shots:
            lines = [line for line in self.lines(setting, track, shots) if line.whole]
            seeds = tuple(sorted(set.intersection(*(set(line.whole) for line in lines)))) if lines else ()
            if len(lines) < 2 or not seeds:
                continue
            bootstrap = bootstraps.setdefault(seeds, self._bootstrap(setting, len(seeds)))
            replicates = {line.variant.key: bootstrap.replicates(_of(line, seeds)) for line in lines}
            means = {line.variant.key: float(np.mean([line.averages[seed] for seed in seeds])) for line in lines}
            standings.append(_standings(setting, track, shots, len(seeds), means, replicates))
            over_all.append((seeds, means, replicates))
        if len(over_all) > 1 and len({(seeds, tuple(means)) for seeds, means, _ in over_all}) == 1:
            names = list(over_all[0][1])
            means = {name: float(np.mean([each[1][name] for each in over_all])) for name in names}
            joined = {name: np.mean([each[2][name] for each in over_all], axis=0) for name in names}
            standings.append(_standings(setting, track, None, len(over_all[0][0]), means, joined))
        return standings

    def _bootstrap(self, setting: Setting, seeds: int) -> Bootstrap:
        suite, bound = self.grid.data.suite(setting.test), self.grid.experiment.pairs
        ids = {language: suite.file("test", language).ids[:bound] for language in self.grid.scored[setting.name]}
        return Bootstrap(ids, seeds=seeds)


def _of(line: Line, seeds: Sequence[int]) -> list[Hits]:
    return [line.hits[seed] for seed in seeds]


def _standings(
    setting: Setting,
    track: Track,
    shots: int | None,
    seeds: int,
    means: Mapping[str, float],
    replicates: Mapping[str, Floats],
) -> Standings:
    order = sorted(means, key=lambda name: -means[name])
    pairs = [
        compare((first, replicates[first], means[first]), (second, replicates[second], means[second]))
        for first, second in combinations(order, 2)
    ]
    intervals = {name: interval(replicates[name]) for name in order}
    return Standings(setting, track, shots, seeds, {name: means[name] for name in order}, intervals, holm(pairs))
