"""Whether one classifier is really better than another on the same pairs, and than guessing.

Pairs that share a premise are right or wrong together, so premises are what is drawn: the test flips the sign of each
premise's difference, which for premises of one pair is McNemar's exact test, and the interval is a bootstrap over
premises. Imports numpy only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.config import LABEL_SPACES

RESAMPLES, LEAST_RESAMPLES = 10_000, 1_000
MOST_DRAWN = 50_000_000
"""Premises drawn in all; of very many fewer resamples are taken, which vary less then."""
BLOCK = 2_000_000
"""Premises drawn at a time."""
MOST_EXACT = 10_000
"""Answers in which two classifiers differ whose every outcome is counted; with more the normal distribution is."""
REAL = 0.05
"""A difference with a smaller p is taken to be none of chance."""
SEED = 0


@dataclass(frozen=True)
class Comparison:
    """`difference` is the first's accuracy minus the second's, `interval` its 95 % one, `p` two-sided."""

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float
    pairs: int
    premises: int

    @property
    def real(self) -> bool:
        """Whether chance alone would rarely make such a difference."""
        return self.p < REAL

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "interval": list(self.interval), "real": self.real}


def compare(
    first: NDArray[np.bool_], second: NDArray[np.bool_], premises: Sequence[Hashable], *, seed: int = SEED
) -> Comparison:
    """Compare two classifiers by which of the same (N,) pairs each answered rightly, N at least 1."""
    sums, sizes = _by_premise(first.astype(np.int64) - second.astype(np.int64), premises)
    return Comparison(
        first=float(first.mean()),
        second=float(second.mean()),
        difference=float(sums.sum() / sizes.sum()),
        interval=_bootstrap(sums, sizes, seed=seed),
        p=sign_flip(sums),
        pairs=len(first),
        premises=len(sums),
    )


def p_value(first: NDArray[np.bool_], second: NDArray[np.bool_], premises: Sequence[Hashable]) -> float:
    """How often chance alone would make two such classifiers differ as much: the p of `compare`."""
    return sign_flip(_by_premise(first.astype(np.int64) - second.astype(np.int64), premises)[0])


def _by_premise(
    differences: NDArray[np.int64], premises: Sequence[Hashable]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each premise's sum of differences, and its pairs."""
    numbers: dict[Hashable, int] = {}
    groups = np.array([numbers.setdefault(premise, len(numbers)) for premise in premises])
    sums = np.bincount(groups, weights=differences, minlength=len(numbers)).astype(np.int64)
    return sums, np.bincount(groups, minlength=len(numbers))


def sign_flip(sums: NDArray[np.int64]) -> float:
    """How often sums of random signs lie as far from zero in total, two-sided."""
    observed, sizes = abs(int(sums.sum())), Counter(np.abs(sums[sums != 0]).tolist())
    reach = sum(size * count for size, count in sizes.items())
    if not observed:
        return 1.0
    if reach > MOST_EXACT:
        deviation = math.sqrt(sum(size * size * count for size, count in sizes.items()))
        return math.erfc(observed / deviation / math.sqrt(2))
    chances = np.ones(1)  # of every total, from the smallest on
    for size, count in sizes.items():
        steps = np.zeros(2 * size * count + 1)
        steps[:: 2 * size] = _binomial(count)
        chances = np.convolve(chances, steps)
    return min(1.0, 2 * float(chances[reach + observed :].sum()))


def _binomial(count: int) -> NDArray[np.float64]:
    """How likely 0, 1, ... of `count` fair coins show heads."""
    logs = np.array([math.lgamma(1 + number) for number in range(count + 1)])
    return np.asarray(np.exp(logs[-1] - logs - logs[::-1] - count * math.log(2)))


def _bootstrap(sums: NDArray[np.int64], sizes: NDArray[np.int64], *, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of the mean over pairs, premises drawn with replacement."""
    generator, premises = np.random.default_rng(seed), len(sums)
    left = max(LEAST_RESAMPLES, min(RESAMPLES, MOST_DRAWN // premises))
    means: list[NDArray[np.float64]] = []
    while left > 0:
        draws = generator.integers(0, premises, (min(left, max(1, BLOCK // premises)), premises))
        means.append(sums[draws].sum(1) / sizes[draws].sum(1))
        left -= len(draws)
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def guessing(score: Mapping[str, Any]) -> float:
    """What guessing would give on the pairs of a score (`ltp.metrics`): always the commonest label, or any of them."""
    of_each = [sum(row) for row in score["confusion"]]
    labels = len(LABEL_SPACES[score.get("label_space", "three_way")])
    return max(1 / labels, max(of_each, default=0) / (sum(of_each) or 1))


def beats_guessing(score: Mapping[str, Any]) -> bool:
    """Whether the interval of a score's accuracy lies above what guessing gives."""
    return bool(score["interval"][0] > guessing(score))
