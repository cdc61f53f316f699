"""The figures of a ledger: which test pairs each recipe answered rightly, its mean, and how recipes compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.config import LABELS
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.report.statistics import Comparison, Floats, Hits, Interval, compare, holm, interval
from ltp.reproduce.transfer.experiment import Recipe, Target
from ltp.reproduce.transfer.grid import TransferGrid, TransferRun
from ltp.reproduce.transfer.report.clusters import PremiseBootstrap, clusters_of

Right = NDArray[np.bool_]


@dataclass
class TransferLine:
    """One recipe with one starter on one target at one K."""

    starter: str
    recipe: Recipe
    target: Target
    shots: int | None
    hits: dict[str, dict[int, Right]] = field(default_factory=lambda: defaultdict(dict))
    """By language and seed."""
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    """By language and seed, those that were scored."""
    diverged: int = 0

    def seeds(self, languages: Sequence[str]) -> list[int]:
        """The seeds that are scored in all of these."""
        return sorted(set.intersection(*(set(self.hits.get(language, ())) for language in languages)))

    @property
    def languages(self) -> list[str]:
        """Those that are scored at all, in the target's order."""
        return [language for language in self.target.languages if self.hits.get(language)]

    def of(self, languages: Sequence[str], seeds: Sequence[int]) -> list[Hits]:
        """The answers, an entry a seed; a starter scored as it is has the same ones for every seed."""
        if not self.recipe.trains:
            seeds = [0] * len(seeds)
        return [{language: self.hits[language][seed] for language in languages} for seed in seeds]


@dataclass(frozen=True)
class Figure:
    """A mean accuracy over seeds, and over languages where there are several, and its interval."""

    mean: float
    interval: Interval
    seeds: int


@dataclass(frozen=True)
class Tested:
    """A recipe against the one it is to be held against."""

    target: Target
    shots: int | None
    first: TransferLine
    second: TransferLine
    languages: tuple[str, ...]
    seeds: int
    comparison: Comparison


@dataclass(frozen=True)
class GuardedRun:
    """One published adapter against the starter it came from, on its test file."""

    line: TransferLine
    language: str
    seed: int
    comparison: Comparison

    @property
    def is_below(self) -> bool:
        """Whether it is worse by more than the interval."""
        return self.comparison.interval.high < 0


class TransferResults:
    """What is known so far."""

    def __init__(self, grid: TransferGrid, outcomes: Mapping[str, Outcome]) -> None:
        self.grid, self.outcomes = grid, outcomes
        self.lines: dict[tuple[str, str, str, int | None], TransferLine] = {}
        self._bootstraps: dict[str, PremiseBootstrap] = {}
        self._tested: dict[str, list[Tested]] = {}
        for run in grid.runs:
            self._add(run)

    def _add(self, run: TransferRun) -> None:
        key = (run.starter, run.recipe.name, run.target.name, run.shots)
        line = self.lines.setdefault(key, TransferLine(run.starter, run.recipe, run.target, run.shots))
        if not (outcome := self.outcomes.get(run.cell.id)):
            return
        if "diverged" in outcome:
            line.diverged += 1
            return
        file = self.grid.data.suite(run.target.test).file("test", run.language)
        gold = file.labels[: outcome["pairs"]]
        right = [LABELS[int(digit)] == label for digit, label in zip(outcome["predicted"], gold, strict=True)]
        line.hits[run.language][run.seed] = np.array(right)
        line.outcomes[run.language, run.seed] = outcome

    def bootstrap(self, target: Target) -> PremiseBootstrap:
        """Of a target's test files."""
        if target.name not in self._bootstraps:
            suite = self.grid.data.suite(target.test)
            files = [suite.file("test", language) for language in target.languages]
            self._bootstraps[target.name] = PremiseBootstrap(clusters_of(files, self.grid.experiment.pairs))
        return self._bootstraps[target.name]

    def replicates(self, line: TransferLine, languages: Sequence[str], seeds: Sequence[int]) -> Floats:
        """Of a line's mean over these."""
        return self.bootstrap(line.target).replicates(line.of(languages, seeds))

    def figure(self, line: TransferLine, languages: Sequence[str]) -> Figure | None:
        """The mean over languages; None where one of them has no seed that all have."""
        seeds = line.seeds(languages)
        if not seeds:
            return None
        return Figure(_mean(line, languages, seeds), interval(self.replicates(line, languages, seeds)), len(seeds))

    def tests(self, target: Target) -> list[Tested]:
        """Every recipe against the one it is held against, adjusted for how many tests a target has."""
        if target.name not in self._tested:
            found = list(self._tests(target))
            adjusted = holm([each.comparison for each in found])
            self._tested[target.name] = [
                replace(each, comparison=comparison) for each, comparison in zip(found, adjusted, strict=True)
            ]
        return self._tested[target.name]

    def _tests(self, target: Target) -> Iterator[Tested]:
        for first in [line for line in self.lines.values() if line.target == target and line.recipe.against]:
            for second in self._references(first):
                languages = [each for each in first.languages if each in second.languages]
                if not languages:
                    continue
                seeds = first.seeds(languages)
                if second.recipe.trains:
                    seeds = [seed for seed in seeds if seed in second.seeds(languages)]
                if seeds:
                    compared = self._compared(first, second, languages, seeds)
                    yield Tested(target, first.shots, first, second, tuple(languages), len(seeds), compared)

    def _references(self, line: TransferLine) -> Iterator[TransferLine]:
        """The lines that a line is held against: of its own starter, or where it has none of every one."""
        reference = self.grid.experiment.recipe(line.recipe.against)
        shots = line.shots if reference.trains else None
        own = [line.starter] if line.starter else [each.name for each in self.grid.starters]
        for starter in own if reference.starts else [""]:
            if found := self.lines.get((starter, reference.name, line.target.name, shots)):
                yield found

    def _compared(
        self, first: TransferLine, second: TransferLine, languages: Sequence[str], seeds: Sequence[int]
    ) -> Comparison:
        one, other = (
            (each.recipe.name, self.replicates(each, languages, seeds), _mean(each, languages, seeds))
            for each in (first, second)
        )
        return compare(one, other)

    def start_of(self, line: TransferLine) -> TransferLine | None:
        """The starter itself on the same target, if a line began from one."""
        same = (each for each in self.lines.values() if (each.starter, each.target) == (line.starter, line.target))
        return next((each for each in same if not each.recipe.trains), None)

    @cached_property
    def guarded(self) -> list[GuardedRun]:
        """Every adapter that was trained from a starter against that starter, one test file and seed each."""
        runs = []
        for line in self.lines.values():
            start = self.start_of(line)
            if start is None or not line.recipe.trains:
                continue
            for language, seed in line.outcomes:
                if language in start.languages:
                    runs.append(GuardedRun(line, language, seed, self._compared(line, start, [language], [seed])))
        return runs

    def known(self, target: Target) -> list[TransferLine]:
        """The lines of a target with a figure, by K, then in the recipes' order, then by starter."""
        recipes = [recipe.name for recipe in self.grid.experiment.recipes]
        starters = ["", *(each.name for each in self.grid.starters)]
        lines = [line for line in self.lines.values() if line.target == target and line.outcomes]
        return sorted(
            lines,
            key=lambda each: (
                each.shots is not None,
                each.shots or 10**9,
                recipes.index(each.recipe.name),
                starters.index(each.starter),
            ),
        )


def _mean(line: TransferLine, languages: Sequence[str], seeds: Sequence[int]) -> float:
    return float(np.mean([[right.mean() for right in hits.values()] for hits in line.of(languages, seeds)]))


def figures_of(line: TransferLine, results: TransferResults) -> dict[str, Any]:
    """A line's figures as JSON has them, `mean` being that over all languages of the target."""
    wanted = {language: [language] for language in line.languages} | {"mean": list(line.target.languages)}
    figures = {name: results.figure(line, languages) for name, languages in wanted.items()}
    return {
        name: {"mean": each.mean, "interval": [each.interval.low, each.interval.high], "seeds": each.seeds}
        for name, each in figures.items()
        if each
    }
