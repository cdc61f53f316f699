"""What repeats within examples and between their parts."""

from __future__ import annotations

from ltp.config import LABELS
from ltp.text.examples import Example, examine

PAIRS = [Example(f"The dog {n} runs.", "It moves.", LABELS[n % 3]) for n in range(24)]


def test_a_pair_with_two_labels_is_a_conflict() -> None:
    twice = [*PAIRS, *(Example(each.premise.upper(), f" {each.hypothesis}", "neutral") for each in PAIRS)]
    found = examine({"train": twice})
    assert (found.repeated, found.conflicting) == ({"train": 24}, {"train": 16})
    assert list(found.sentences()) == [
        "24 of the training examples repeat an earlier one, 16 of them with another label",
    ]


def test_what_is_held_out_and_trained_on_is_a_leak() -> None:
    dev = [*PAIRS[:3], Example(PAIRS[3].premise, "It sleeps.", "neutral")]
    found = examine({"train": PAIRS, "dev": dev, "test": []})
    assert (found.leaked, found.shared_premises, found.repeated) == ({"dev": 3}, {"dev": 4}, {})
    assert list(found.sentences()) == [
        "3 of the development examples also stand in training: scores on them say little",
        "4 premises of the development examples also stand in training",
    ]


def test_nothing_is_said_of_what_is_as_it_should_be() -> None:
    found = examine({"train": PAIRS[:12], "dev": PAIRS[12:]})
    assert not any(found.as_dict().values())
    assert list(found.sentences()) == []
