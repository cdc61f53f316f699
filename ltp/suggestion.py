"""Which unlabelled pairs to have labelled next: any, one a premise, or those an adapter is unsure of.

`auto` draws at random: against it `uncertain` won on no language at both 48 and 96 labels (`bench/label_next.py`).
What `uncertain` chooses is spread over the gradients that labels could bring (BADGE: Ash et al. 2020): of a pair the
answer's error, were its likeliest label the true one, times what its texts are like. Sure answers lie near nothing, and
so do pairs near others that were chosen. Imports numpy only. Dimensions: N pairs, K labels, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Strategy = Literal["auto", "random", "uncertain"]
Floats = NDArray[np.float64]

FEATURES = 512
"""D, of texts without vectors of their own."""
GRAMS = (3, 4, 5)
"""Lengths of the pieces of text that are counted, in characters."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Spreads pieces over the features: 2^64 over the golden ratio."""


@dataclass(frozen=True)
class Pool:
    """Unlabelled pairs, with the probabilities (N, K) that an adapter gives them."""

    premises: Sequence[str]
    hypotheses: Sequence[str]
    probabilities: Floats
    vectors: Floats | None = None
    """(N, D) of the pairs, where a model has them; else they are made of the texts' characters."""

    def __len__(self) -> int:
        return len(self.premises)


def choose(pool: Pool, count: int, *, strategy: Strategy = "auto", seed: int = 0) -> list[int]:
    """Return the places of up to `count` pairs, the first to label first; only `uncertain` asks for probabilities.

    No two share a premise as long as there is one that none of them has.
    """
    generator = np.random.default_rng(seed)
    groups = _groups(pool.premises)
    if strategy != "uncertain":
        return _at_random(groups, generator)[:count]
    chosen: list[int] = []
    left = np.ones(len(pool), bool)
    while len(chosen) < min(count, len(pool)):
        chosen += _spread(pool, left, groups, count - len(chosen), generator)
        left[chosen] = False
    return chosen


def _at_random(groups: NDArray[np.int64], generator: np.random.Generator) -> list[int]:
    """Every place in random order, those first that have a premise which none before has."""
    drawn = generator.permutation(len(groups))
    _, firsts = np.unique(groups[drawn], return_index=True)
    new = np.isin(np.arange(len(drawn)), firsts)
    return [int(place) for place in (*drawn[new], *drawn[~new])]


def uncertainty(probabilities: Floats) -> Floats:
    """How unsure each answer is, (N,): 0 where one label is certain, 1 where the two likeliest are as likely."""
    ordered = np.sort(probabilities, axis=1)
    return np.asarray(1.0 - (ordered[:, -1] - ordered[:, -2]))


def _spread(
    pool: Pool, left: NDArray[np.bool_], groups: NDArray[np.int64], count: int, generator: np.random.Generator
) -> list[int]:
    """Pick by k-means++ among the gradients of the pairs that are left, one of each premise, `count` at most."""
    errors, features = _errors(pool.probabilities), _features(pool)
    norms = (errors**2).sum(1) * (features**2).sum(1)  # (N,), of the gradients, squared
    candidates, distances = left.copy(), norms.copy()
    picked: list[int] = []
    while candidates.any() and len(picked) < count:
        place = _drawn(np.where(candidates, distances, 0.0), candidates, generator, first=not picked)
        picked.append(place)
        candidates &= groups != groups[place]
        inner = (errors @ errors[place]) * (features @ features[place])
        distances = np.minimum(distances, np.maximum(norms + norms[place] - 2 * inner, 0.0))
    return picked


def _drawn(weights: Floats, candidates: NDArray[np.bool_], generator: np.random.Generator, *, first: bool) -> int:
    """The place with most weight, or one drawn by weight; any candidate where nobody has any."""
    total = weights.sum()
    if not total > 0:
        return int(generator.choice(candidates.nonzero()[0]))
    return int(weights.argmax()) if first else int(generator.choice(len(weights), p=weights / total))


def _errors(probabilities: Floats) -> Floats:
    """The answers' errors were their likeliest labels true, (N, K)."""
    errors = np.array(probabilities, np.float64)
    errors[np.arange(len(errors)), errors.argmax(1)] -= 1.0
    return errors


def _features(pool: Pool) -> Floats:
    """What the pairs' texts are like, (N, D), each of length 1."""
    if pool.vectors is not None:
        features = np.array(pool.vectors, np.float64)
    else:
        texts = zip(pool.premises, pool.hypotheses, strict=True)
        features = np.stack([_counted(f"{premise} \n {hypothesis}") for premise, hypothesis in texts])
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0))


def _counted(text: str) -> Floats:
    """How often a text's pieces fall on each feature, (D,), for half of them negated, so that unlike texts share none.

    Square roots of counts, so that no long word counts alone.
    """
    points = np.array([ord(character) for character in f" {text.casefold()} "], np.uint64)
    counts = np.zeros(FEATURES)
    for size in GRAMS:
        windows = np.lib.stride_tricks.sliding_window_view(points, min(size, len(points)))
        hashed = np.zeros(len(windows), np.uint64)
        for column in range(windows.shape[1]):
            hashed = (hashed ^ windows[:, column]) * MULTIPLIER
        places = ((hashed >> np.uint64(40)) % FEATURES).astype(np.int64)
        counts += np.bincount(places, weights=1.0 - 2.0 * (hashed >> np.uint64(63)), minlength=FEATURES)
    return np.asarray(np.sign(counts) * np.sqrt(np.abs(counts)))


def _groups(premises: Sequence[str]) -> NDArray[np.int64]:
    """A number for each premise, (N,)."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(premise.strip(), len(numbers)) for premise in premises], np.int64)
