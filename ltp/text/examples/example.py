"""One labelled pair, and what training asks of a set of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ltp.config import LABEL_SPACES, Label, LabelSpace
from ltp.errors import ExamplesError, TooFewExamples


@dataclass(frozen=True)
class Example:
    """A premise, a hypothesis, and how the one stands to the other; equal when these three are."""

    premise: str
    hypothesis: str
    label: Label | None = None
    line: int | None = field(default=None, compare=False)
    """Line of its file, from 1."""
    blank_column: int | None = field(default=None, compare=False, repr=False)
    """Where in that line a text should stand and none does; None when both texts are there."""
    lang: str | None = field(default=None, compare=False)
    """The row's language, where a column says it."""
    adapter: str | None = field(default=None, compare=False)
    """The adapter that the row asks for, where a column says it."""

    @property
    def premise_key(self) -> str:
        """The premise as it is compared."""
        return comparable(self.premise)

    @property
    def pair_key(self) -> tuple[str, str]:
        """Both texts as they are compared."""
        return comparable(self.premise), comparable(self.hypothesis)


def comparable(text: str) -> str:
    """A text as it is compared: what differs in case, spaces or Unicode composition is one text."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


class Pair(Protocol):
    """What has a premise and a hypothesis: an example, or a row to predict."""

    @property
    def premise(self) -> str:
        """The first text."""

    @property
    def hypothesis(self) -> str:
        """The second text."""


def texts_of(pairs: Iterable[Pair]) -> Iterator[str]:
    """Every text of the pairs."""
    for pair in pairs:
        yield from (pair.premise, pair.hypothesis)


def check_trainable(examples: Sequence[Example], label_space: LabelSpace | None = None) -> None:
    """Refuse what cannot be trained on; without a `label_space`, it is two-way if `not_entailment` occurs.

    Raises ExamplesError at the first blank text or missing label, and TooFewExamples when one of the space's labels
    does not occur.
    """
    for number, example in enumerate(examples, start=1):
        words = _fault(example)
        if words and example.line is None:
            raise ExamplesError(f"example {number}: {words}")
        if words:
            raise ExamplesError(words, line=example.line, column=example.blank_column, fault="blank_text")
    counts = Counter(example.label for example in examples)
    space = label_space or ("two_way" if counts["not_entailment"] else "three_way")
    labels = LABEL_SPACES[space]
    if missing := [label for label in labels if not counts[label]]:
        occurring = ", ".join(f"{counts[label]} {label}" for label in labels)
        told = f"training needs every label, and {' and '.join(missing)} does not occur ({occurring})"
        raise TooFewExamples(f"{told}; {_way_out(space, counts)}")


def _way_out(space: LabelSpace, counts: Counter[Label | None]) -> str:
    """What to do when a label does not occur."""
    if space == "three_way" and counts["entailment"] and (counts["neutral"] or counts["contradiction"]):
        return (
            "add examples of it, or train with label_space two_way (--label-space two_way), for which neutral and"
            " contradiction are one"
        )
    return "add examples of it"


def _fault(example: Example) -> str | None:
    if not example.premise.strip():
        return "the premise is blank"
    if not example.hypothesis.strip():
        return "the hypothesis is blank"
    return None if example.label else "the label is missing"
