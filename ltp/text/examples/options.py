"""What people may say about a file where the reader would have to guess, and how they write it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from ltp.config import Label, LabelSpace
from ltp.errors import InvalidConfig
from ltp.text.columns import Role
from ltp.text.label_words import named_label

Conflicts = Literal["drop", "majority", "keep"]
"""What becomes of rows that give one pair different labels: none of them is read, those of the majority, or all."""
Task = Literal["train", "evaluate", "predict"]
"""What the rows are for: training wants faultless rows, evaluation all it can have, prediction looks at no label."""


@dataclass(frozen=True)
class ReadOptions:
    """What to read otherwise than the reader would by itself."""

    columns: Mapping[Role, str] = field(default_factory=dict)
    """The column that holds a part of the pair, by its name; a dotted path into nested JSON."""
    labels: Mapping[str, Label] | None = None
    """Which label a spelling of the file means."""
    lang: str | None = None
    """The language that is wanted: of a file of several languages only its rows are read."""
    lang_column: str | None = None
    """The column that names each row's language."""
    conflicts: Conflicts | None = None
    """None: `drop` to train with, and `keep` to evaluate with."""
    label_space: LabelSpace | None = None
    """The labels among which is chosen; None: told from the file."""
    normalise: Callable[[str], str] = str.casefold
    """What makes two spellings of one language's tag equal."""


def parse_columns_option(text: str) -> dict[Role, str]:
    """Read `premise=text_a,hypothesis=text_b,label=gold`. Raises InvalidConfig."""
    columns: dict[Role, str] = {}
    for part in filter(None, map(str.strip, re.split(r",(?=\s*\w+\s*=|\s*$)", text))):
        name, _, column = (word.strip() for word in part.partition("="))
        role = next((role for role in get_args(Role) if role == name.casefold()), None)
        if role is None or not column:
            known = ", ".join(get_args(Role))
            raise InvalidConfig("columns", text, f"ROLE=COLUMN,... where ROLE is one of {known}; {part!r} is not that")
        columns[role] = column
    if not columns:
        raise InvalidConfig("columns", text, "something like premise=sentence1,hypothesis=sentence2,label=gold_label")
    return columns


def parse_labels_option(text: str) -> dict[str, Label]:
    """Read `c,e,n` (what 0, 1, 2 mean) or `0=contradiction,si=entailment`. Raises InvalidConfig.

    A spelling may hold commas and equals signs.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise InvalidConfig("labels", text, "something like e,n,c or 0=entailment,1=neutral,2=contradiction")
    if any("=" in part for part in parts):
        return dict(_assigned(part, text) for part in _assignments(text))
    labels = [_named(part, text) for part in parts]
    if len(set(labels)) < len(labels):
        raise InvalidConfig("labels", text, "a list with every label once, or like 0=neutral,3=neutral")
    return {str(number): label for number, label in enumerate(labels)}


def _assignments(text: str) -> Iterator[str]:
    """The parts that say what one spelling means. One ends at a comma behind an equals sign and a label."""
    part = ""
    for piece in text.split(","):
        part = f"{part},{piece}" if part else piece
        label = part.rpartition("=")[2].strip() if "=" in part else part.strip()
        if named_label(label) or (part == piece and "=" in part):
            yield part.strip()
            part = ""
    if part.strip():
        yield part.strip()


def _assigned(part: str, text: str) -> tuple[str, Label]:
    spelling, _, word = part.rpartition("=")
    if not spelling.strip() or not word.strip():
        raise InvalidConfig("labels", text, f"SPELLING=LABEL,... as in si=entailment; {part!r} is not that")
    return spelling.strip(), _named(word.strip(), text)


def _named(word: str, text: str) -> Label:
    if (label := named_label(word)) is None:
        raise InvalidConfig(
            "labels",
            text,
            "made of entailment, neutral, contradiction and not_entailment (or e, n, c and ne);"
            f" {word!r} is none of them",
        )
    return label
