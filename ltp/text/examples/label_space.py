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
        ExamplesError: three-way is meant, and there is `not_entailment`; or see `label_space_of`.
    """
    space = asked or label_space_of(parts[train]) or _only_told(parts, train) or "three_way"
    notes, folded = [], dict(parts)
    for part, examples in parts.items():
        if space == "two_way":
            folded[part], note = _folded(examples)
            notes += [f"{note} ({part})"] if note else []
        else:
            _refuse_two_way(examples, asked)
    return Settled(space, folded, notes)


def _only_told(parts: Mapping[P, Sequence[Example]], train: P) -> LabelSpace | None:
    """The space of the other parts, where training holds nothing but entailment."""
    return next((space for part, some in parts.items() if part != train and (space := label_space_of(some))), None)


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


def _refuse_two_way(examples: Iterable[Example], asked: LabelSpace | None) -> None:
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
