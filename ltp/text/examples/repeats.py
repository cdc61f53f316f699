"""Pairs that stand twice in a set, or on both sides of a split: reported, never removed in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ltp.text.examples.example import Example


@dataclass(frozen=True)
class Repeat:
    """The same pair a second time, apart from case, spaces and Unicode composition."""

    first: Example
    again: Example

    @property
    def conflicting(self) -> bool:
        """Whether the two carry different labels."""
        return self.first.label != self.again.label


def duplicates(examples: Iterable[Example]) -> list[Repeat]:
    """Each example whose pair occurred before, with the first of its kind."""
    first: dict[tuple[str, str], Example] = {}
    repeats: list[Repeat] = []
    for example in examples:
        key = example.pair_key
        if key in first:
            repeats.append(Repeat(first[key], example))
        else:
            first[key] = example
    return repeats


def leaks(train: Sequence[Example], dev: Sequence[Example]) -> list[Repeat]:
    """Each development example whose pair is in training too: `first` is the one in training."""
    trained: dict[tuple[str, str], Example] = {}
    for example in train:
        trained.setdefault(example.pair_key, example)
    return [Repeat(trained[example.pair_key], example) for example in dev if example.pair_key in trained]


def shared_premises(train: Sequence[Example], dev: Sequence[Example]) -> list[str]:
    """The premises that stand in both sets, as they are written in `dev`, each once."""
    trained = {example.premise_key for example in train}
    shared = {example.premise_key: example.premise for example in dev if example.premise_key in trained}
    return list(shared.values())
