"""Pairs and premises that occur again, within a set and between sets: reported, never removed in silence."""

from __future__ import annotations

from collections.abc import Sequence

from ltp.text.examples.example import Example


def repeats(examples: Sequence[Example]) -> list[tuple[Example, bool]]:
    """Each example whose pair stands earlier in the set, and whether its label is another than the first one's."""
    first: dict[tuple[str, str], Example] = {}
    again = []
    for example in examples:
        earlier = first.setdefault(example.pair_key, example)
        if earlier is not example:
            again.append((example, earlier.label != example.label))
    return again


def leaks(train: Sequence[Example], dev: Sequence[Example]) -> list[Example]:
    """Each development example whose pair is in training too, apart from case, spaces and Unicode composition."""
    trained = {example.pair_key for example in train}
    return [example for example in dev if example.pair_key in trained]


def shared_premises(train: Sequence[Example], dev: Sequence[Example]) -> list[str]:
    """The premises that stand in both sets, as they are written in `dev`, each once."""
    trained = {example.premise_key for example in train}
    shared = {example.premise_key: example.premise for example in dev if example.premise_key in trained}
    return list(shared.values())
