"""Folds of whole premises, alike in their labels: every fold's training has every label. Imports no torch."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ltp.config import Label
from ltp.errors import TooFewExamples
from ltp.text.examples import Example

LEAST = 2
"""Folds without which nothing is held out twice."""
Counts = Counter[Label | None]


@dataclass(frozen=True)
class Fold:
    """Indices of the examples that train, and of those held out, ascending."""

    train: list[int]
    held_out: list[int]


@dataclass(frozen=True)
class _Premise:
    """All examples of one premise."""

    indices: list[int]
    labels: Counts


def premises_of(examples: Sequence[Example]) -> list[int]:
    """Number the premises in the order they appear; give each example's number."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(example.premise_key, len(numbers)) for example in examples]


def folds_of(examples: Sequence[Example], *, count: int, seed: int) -> list[Fold]:
    """Deal the premises into at most `count` folds, shuffled by `seed`, each where it evens out the labels best.

    A premise without which training would lack a label is held out in no fold: it trains in all of them.

    Raises:
        TooFewExamples: fewer than two folds can hold something out.
    """
    premises = _shuffled(examples, seed)
    total: Counts = sum((premise.labels for premise in premises), Counter())
    dealt = [_spared(held, total) for held in _dealt(premises, total, count)]
    held_out = [sorted(index for premise in held for index in premise.indices) for held in dealt if held]
    if len(held_out) < LEAST:
        raise TooFewExamples(
            f"{len(premises)} premise(s) cannot be cross-fitted: at least two must be able to leave training with an"
            " example of each label; give more premises, or development examples of their own"
        )
    everything = range(len(examples))
    return [Fold([index for index in everything if index not in set(held)], held) for held in held_out]


def _shuffled(examples: Sequence[Example], seed: int) -> list[_Premise]:
    """The premises, those with most examples first, else in an order that follows the seed on every Python."""
    by_number: dict[int, list[int]] = {}
    for index, number in enumerate(premises_of(examples)):
        by_number.setdefault(number, []).append(index)
    rng = random.Random(seed)  # noqa: S311  repeatable, not secret
    numbered = [(-len(indices), rng.random(), indices) for indices in by_number.values()]
    return [
        _Premise(indices, Counter(examples[index].label for index in indices)) for _, _, indices in sorted(numbered)
    ]


def _dealt(premises: Sequence[_Premise], total: Counts, count: int) -> list[list[_Premise]]:
    """Give each premise to the fold that has least of its labels; a rare label counts for more."""
    folds: list[list[_Premise]] = [[] for _ in range(count)]
    counts: list[Counts] = [Counter() for _ in range(count)]
    for premise in premises:

        def crowding(fold: int, labels: Counts = premise.labels) -> tuple[float, int]:
            there = sum(counts[fold][label] * more / total[label] ** 2 for label, more in labels.items())
            return there, sum(counts[fold].values())

        chosen = min(range(count), key=crowding)
        folds[chosen].append(premise)
        counts[chosen] += premise.labels
    return folds


def _spared(held: Sequence[_Premise], total: Counts) -> list[_Premise]:
    """What a fold can hold out so that training keeps an example of each label."""
    left, spared = Counter(total), []
    for premise in held:
        if all(left[label] > more for label, more in premise.labels.items()):
            left -= premise.labels
            spared.append(premise)
    return spared
