"""How often the 95 % interval of a cross-fitted adapter holds its true accuracy, by simulation.

    python -m bench.interval_coverage [--draws 500] [--out FILE.json]

Every draw is a language made up: premises with three hypotheses each, a classifier of it to start from, and a few
pairs. The pairs are cross-fitted by the product's own rules (`ltp.adapter.crossfit`: folds, early stopping, rates,
guard, interval), with softmax regression in place of the model, since that can be trained a million times; what is
published is then judged on 12,000 fresh pairs. Deterministic; a few minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import inf, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats
from ltp.adapter.crossfit.folds import Fold, folds_of, premises_of
from ltp.adapter.crossfit.guard import WEIGHTS, Candidate, choose, loss_of
from ltp.adapter.crossfit.interval import optimism_of_choice, share_interval
from ltp.adapter.crossfit.stopping import GRID, TRIAL, best_epoch, is_over
from ltp.config import LABEL_SPACES, LabelSpace
from ltp.metrics import wilson
from ltp.text.examples import Example

FEATURES, FOLDS, EPOCHS, BATCH, FRESH = 40, 4, 12, 32, 4_000


@dataclass(frozen=True)
class Setting:
    """One kind of language: `premises` with a hypothesis of each label, or of labels at random with one a premise."""

    name: str
    premises: int
    label_space: LabelSpace = "three_way"
    shared: float = 0.5
    """How alike the pairs of a premise are: the share of the features' noise that is the premise's."""
    uneven: float = 0.0
    """How much premises differ in how clearly their labels show."""
    distance: float = 0.5
    """How far what is known at the start lies from the language's own."""
    rates: tuple[float, ...] = (1.0,)
    start: bool = True
    single: bool = False
    """One hypothesis a premise."""


SETTINGS = (
    Setting("16 premises, 48 pairs", 16),
    Setting("32 premises, 96 pairs", 32),
    Setting("32 premises, rates on a grid", 32, rates=GRID),
    Setting("32 premises, pairs of one premise much alike", 32, shared=0.9),
    Setting("32 premises, some much harder than others", 32, shared=0.1, uneven=1.0),
    Setting("32 premises, the start far away", 32, distance=2.0),
    Setting("32 premises, the start as good as can be", 32, distance=0.0),
    Setting("32 premises, no start", 32, start=False),
    Setting("48 premises, two labels", 48, label_space="two_way"),
    Setting("96 premises, one pair each", 96, single=True),
    Setting("64 premises, 192 pairs, rates on a grid", 64, rates=GRID),
)


@dataclass(frozen=True)
class Pairs:
    """Features (N, F), labels and premises (N,)."""

    features: Floats
    labels: NDArray[np.int64]
    premises: NDArray[np.int64]


class Language:
    """Where pairs come from: a direction a label, noise of the premise, noise of the pair."""

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        self.setting, self._rng = setting, rng
        self.classes = len(LABEL_SPACES[setting.label_space])
        self._means = rng.normal(size=(self.classes, FEATURES)) * 0.16
        best = self._means - self._means.mean(0)
        self.start = best + setting.distance * rng.normal(size=best.shape) * 0.16
        if not setting.start:
            self.start = np.zeros_like(best)

    def draw(self, premises: int) -> Pairs:
        """So many fresh premises with their pairs."""
        each = 1 if self.setting.single else 3
        numbers = np.repeat(np.arange(premises), each)
        labels = np.tile(np.arange(3) % self.classes, premises)[: premises * each]
        if self.setting.single:
            labels = np.arange(premises) % self.classes
        own, common = (self._rng.normal(size=(count, FEATURES)) for count in (len(numbers), premises))
        setting, shared = self.setting, self.setting.shared
        noise = sqrt(1 - shared) * own + sqrt(shared) * common[numbers]
        clear = np.exp(setting.uneven * self._rng.normal(size=premises) - setting.uneven**2)[numbers]
        return Pairs(clear[:, None] * self._means[labels] + noise, labels, numbers)


def epochs_of(start: Floats, pairs: Pairs, rate: float, rng: np.random.Generator) -> Iterator[Floats]:
    """Weights after each epoch of stochastic gradient descent."""
    weights, truth = start.copy(), np.eye(len(start))[pairs.labels]
    while True:
        order = rng.permutation(len(truth))
        for first in range(0, len(order), BATCH):
            some = order[first : first + BATCH]
            answers = pairs.features[some] @ weights.T
            chances = np.exp(answers - answers.max(1, keepdims=True))
            rest = chances / chances.sum(1, keepdims=True) - truth[some]
            weights = weights - rate * 0.1 * rest.T @ pairs.features[some] / len(some)
        yield weights


class CrossFit:
    """The pairs of one draw, cross-fitted as `cross_fit_adapter` does; `weights` are what is published."""

    def __init__(self, language: Language, pairs: Pairs, seed: int) -> None:
        self._start, self._pairs, self._seed = language.start, pairs, seed
        space = LABEL_SPACES[language.setting.label_space]
        examples = [
            Example(f"{premise}", f"{index}", space[label])
            for index, (premise, label) in enumerate(zip(pairs.premises, pairs.labels, strict=True))
        ]
        self._folds = folds_of(examples, count=FOLDS, seed=seed)
        self._judged = np.array(sorted(index for fold in self._folds for index in fold.held_out))
        self._labels = pairs.labels[self._judged]
        self._groups = np.unique(np.array(premises_of(examples))[self._judged], return_inverse=True)[1]
        self._tried: list[Floats] = []
        begins = float(loss_of(self._answers([self._start] * len(self._folds)), self._labels).mean())
        self._begins = begins if language.setting.start else inf
        self._choose(language.setting)

    def _answers(self, weights: list[Floats]) -> Floats:
        answers = np.empty((len(self._pairs.labels), len(self._start)))
        for fold, each in zip(self._folds, weights, strict=True):
            answers[fold.held_out] = self._pairs.features[fold.held_out] @ each.T
        return answers[self._judged]

    def _train(self, rate: float, epochs: int) -> tuple[list[float], list[Floats]]:
        runs = [self._run(fold, rate, number) for number, fold in enumerate(self._folds)]
        losses, best = [self._begins], [self._start] * len(runs)
        while len(losses) == 1 or not (is_over(losses, epochs=EPOCHS) or len(losses) > epochs):
            weights = [next(run) for run in runs]
            answers = self._answers(weights)
            self._tried.append(answers)
            losses.append(float(loss_of(answers, self._labels).mean()))
            if best_epoch(losses) == len(losses) - 1:
                best = weights
        return losses, best

    def _run(self, fold: Fold, rate: float, number: int) -> Iterator[Floats]:
        pairs = self._pairs
        some = Pairs(pairs.features[fold.train], pairs.labels[fold.train], pairs.premises[fold.train])
        return epochs_of(self._start, some, rate, np.random.default_rng([self._seed, number]))

    def _choose(self, setting: Setting) -> None:
        rate = setting.rates[0]
        if len(setting.rates) > 1:
            rate = min(setting.rates, key=lambda rate: min(self._train(rate, TRIAL)[0][1:]))
        _, best = self._train(rate, EPOCHS)
        steps = WEIGHTS if setting.start else (1.0,)
        mixed = [[self._start + step * (each - self._start) for each in best] for step in steps]
        candidates = [Candidate(step, self._answers(each)) for step, each in zip(steps, mixed, strict=True)]
        choice = choose(candidates, self._labels, self._groups)
        chosen = candidates[choice.index].logits
        hits = [answers.argmax(1) == self._labels for answers in [*self._tried, chosen]]
        losses = [loss_of(answers, self._labels) for answers in [*self._tried, chosen]]
        optimism = optimism_of_choice(losses, hits, self._groups) if setting.start else 0.0
        self.share, self.usual = float(hits[-1].mean()), wilson(int(hits[-1].sum()), len(hits[-1]))
        self.interval = share_interval(hits[-1], self._groups, optimism=optimism, moved=steps[choice.index])
        self.optimism, self.step = optimism, steps[choice.index]
        self.weights = np.mean(mixed[choice.index], 0)


@dataclass(frozen=True)
class Coverage:
    """What the draws of a setting gave, in means over them; `coverage` is the share of intervals that hold."""

    setting: str
    coverage: float
    below: float
    """Share of the draws in which the true accuracy lies below the interval."""
    usual: float
    """Coverage of Wilson's interval of the same share, which knows of neither premises nor choices."""
    width: float
    share: float
    true: float
    start: float
    optimism: float
    harmed: float
    """Share of the draws in which what is published is truly worse than its start by more than a point."""
    step: float


def coverage_of(setting: Setting, draws: int) -> Coverage:
    rows = []
    for draw in range(draws):
        rng = np.random.default_rng([draw, setting.premises])
        language = Language(setting, rng)
        found = CrossFit(language, language.draw(setting.premises), draw)
        fresh = language.draw(FRESH)
        true, start = (
            float(((fresh.features @ weights.T).argmax(1) == fresh.labels).mean())
            for weights in (found.weights, language.start)
        )
        low, high = found.interval
        usual = found.usual[0] <= true <= found.usual[1]
        rows.append(
            (
                low <= true <= high,
                true < low,
                usual,
                high - low,
                found.share,
                true,
                start,
                found.optimism,
                true < start - 0.01,
                found.step,
            )
        )
    return Coverage(setting.name, *(float(mean) for mean in np.array(rows, float).mean(0)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--only", type=int, help="the number of one setting, from 0")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    chosen = SETTINGS if arguments.only is None else SETTINGS[arguments.only : arguments.only + 1]
    found = []
    for setting in chosen:
        found.append(coverage_of(setting, arguments.draws))
        print(
            {name: value if isinstance(value, str) else round(value, 3) for name, value in asdict(found[-1]).items()},
            flush=True,
        )
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
