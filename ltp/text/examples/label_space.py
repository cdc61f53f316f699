"""The label space of labelled pairs: told from their labels, or asked for; three labels are folded into two, and said.

Two-way data say whether the hypothesis follows or not (RTE, HANS, fact checking). Three-way data say it too, since what
does not follow is neutral or contradicts; the other way round there is no telling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from ltp.config import LABEL_SPACES, LABELS, Label, LabelSpace
from ltp.errors import ExamplesError
from ltp.text.examples.example import Example

P = TypeVar("P", bound=str)
IN_WORDS: dict[LabelSpace, str] = {
    "three_way": "entailment, neutral and contradiction",
    "two_way": "entailment and not_entailment",
}


class Settled(NamedTuple, Generic[P]):
    """Parts of a set, all of them in one label space, and sentences about what was done for it."""

    label_space: LabelSpace
    parts: dict[P, Sequence[Example]]
    notes: list[str]


def two_way(label: Label) -> Label:
    """What a label says in two-way data."""
    return "entailment" if label == "entailment" else "not_entailment"


def label_space_of(examples: Iterable[Example]) -> LabelSpace | None:
    """Tell the space from the labels; None where nothing but entailment occurs.

    Raises:
        ExamplesError: `not_entailment` stands beside `neutral` or `contradiction`.
    """
    first: dict[LabelSpace, Example] = {}
    for example in examples:
        if example.label is not None and example.label != "entailment":
            first.setdefault("two_way" if example.label == "not_entailment" else "three_way", example)
    if len(first) > 1:
        two, three = first["two_way"], first["three_way"]
        raise ExamplesError(
            f"not_entailment{_in_line(two)} stands beside {three.label}{_in_line(three)}, and they belong to two label"
            " spaces; ask for label_space two_way, which reads neutral and contradiction as not_entailment, or say of"
            " every such pair which of the two it is",
            line=max(two.line or 0, three.line or 0) or None,
        )
    return next(iter(first), None)


def settle(parts: Mapping[P, Sequence[Example]], asked: LabelSpace | None, *, train: P) -> Settled[P]:
    """Bring every part into one space: the one `asked` for, else that of the part `train`.

    Raises:
        ExamplesError: see `label_space_of_set` and `in_label_space`.
    """
    space = asked or label_space_of_set(parts, train=train)
    notes, brought = [], dict(parts)
    for part, examples in parts.items():
        brought[part], note = in_label_space(examples, space, asked=asked is not None)
        notes += [f"{note} ({part})"] if note else []
    return Settled(space, brought, notes)


def label_space_of_set(parts: Mapping[P, Sequence[Example]], *, train: P) -> LabelSpace:
    """Tell the space from training, or from the other parts where it holds nothing but entailment.

    Raises:
        ExamplesError: see `label_space_of`.
    """
    others = (examples for part, examples in parts.items() if part != train)
    return next((space for some in (parts[train], *others) if (space := label_space_of(some))), "three_way")


def in_label_space(
    examples: Sequence[Example], space: LabelSpace, *, asked: bool = False
) -> tuple[Sequence[Example], str | None]:
    """Return the examples in a space, and a sentence about what was folded for it.

    Raises:
        ExamplesError: three-way is meant, because it was `asked` for or by training, and there is `not_entailment`.
    """
    if space == "two_way":
        return _folded(examples)
    _refuse_two_way(examples, asked=asked)
    return examples, None


def folded(examples: Sequence[Example]) -> list[Example]:
    """The same pairs with two-way labels."""
    return [replace(each, label=two_way(each.label)) if each.label in LABELS else each for each in examples]


def _folded(examples: Sequence[Example]) -> tuple[Sequence[Example], str | None]:
    counts = Counter(example.label for example in examples)
    told: list[Label] = ["neutral", "contradiction"]
    named = [f"{counts[label]:,} {label}" for label in told if counts[label]]
    if not named:
        return examples, None
    return folded(examples), f"{' and '.join(named)} were read as not_entailment"


def _refuse_two_way(examples: Iterable[Example], *, asked: bool) -> None:
    for example in examples:
        if example.label is not None and example.label not in LABEL_SPACES["three_way"]:
            why = "label_space three_way was asked for" if asked else "the training examples have three labels"
            raise ExamplesError(
                f"{example.label} says not which of neutral and contradiction it is, and {why};"
                " ask for label_space two_way, which knows entailment and not_entailment alone",
                line=example.line,
            )


def _in_line(example: Example) -> str:
    return "" if example.line is None else f" (line {example.line})"
