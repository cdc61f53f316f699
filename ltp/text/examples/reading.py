"""What was understood of a file of pairs: shown before anything is made of it, and kept with what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ltp.config import Label, LabelSpace
from ltp.text.columns import Role

Why = Literal["repeated_judgement", "disagree", "outvoted", "tied", "undecided", "blank"]
"""Why rows were left out, for whoever words it in another language."""
About = Literal["conflicts", "left_out", "truncated", "unknown", "leaks", "shared_premises", "label_column"]
"""What a sentence says that other fields of a reading hold as figures or names."""


class Told(str):
    """A sentence that repeats what other fields hold: its `code` says which."""

    code: About

    def __new__(cls, text: str, code: About | None = None) -> Self:
        """`code` is absent only while a copy is made."""
        made = super().__new__(cls, text)
        if code is not None:
            made.code = code
        return made


def reworded(sentences: Iterable[str], how: Callable[[str], str]) -> list[str]:
    """The sentences in other words, about the same."""
    return [Told(how(each), each.code) if isinstance(each, Told) else how(each) for each in sentences]


def codes_of(sentences: Iterable[str]) -> list[About | None]:
    """What each sentence is about; None for what stands in no other field."""
    return [each.code if isinstance(each, Told) else None for each in sentences]


@dataclass(frozen=True)
class LabelReading:
    """How one spelling was read; `label` is None where its rows were left out."""

    label: Label | None
    rows: int


@dataclass(frozen=True)
class LeftOut:
    """Rows that were not read, and why."""

    reason: str
    rows: int
    first_line: int
    code: Why | None = None
    """None for reasons that a file itself gives."""


@dataclass(frozen=True)
class Disagreement:
    """One pair with different labels: what they are, and the lines they stand in."""

    labels: Mapping[Label, int]
    lines: Sequence[int]


@dataclass(frozen=True)
class Unknown:
    """What the backbone's vocabulary does not have."""

    tokens_share: float
    texts_share: float
    characters: Sequence[str]


@dataclass(frozen=True)
class Keys:
    """Hashes of the pairs and premises that were read, each once and in order; of use within one process."""

    pairs: NDArray[np.int64]
    premises: NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """What was understood of one file. Counts are of rows where nothing else is said."""

    format: str
    encoding: str | None = None
    compression: str | None = None
    separator: str | None = None
    quoting: bool | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    """The column of each part of the pair, by its name in the file."""
    labels: Mapping[str, LabelReading] = field(default_factory=dict)
    """By the spelling in the file, in the order they first occur; empty where labels are not looked at."""
    label_space: LabelSpace | None = None
    rows: int = 0
    """Rows of the file; one that several annotators judged counts once for each of them."""
    read: int = 0
    left_out: Sequence[LeftOut] = ()
    """`rows` is `read` and these."""
    duplicates: int = 0
    """Rows whose pair stands in an earlier row that was read, too."""
    conflicts: int = 0
    """Pairs that have different labels."""
    disagreements: Sequence[Disagreement] = ()
    """The first of these pairs."""
    shared_premises: int = 0
    """Premises that stand in another file, too."""
    leaks: int = 0
    """Pairs that stand in another file, too."""
    names: Sequence[str] = ()
    """The file's columns, two hundred at most."""
    tokens: float | None = None
    """Mean tokens of both texts of a pair; None where nobody counted."""
    truncated: int | None = None
    """Pairs that are cut to fit; None where nobody counted."""
    unknown: Unknown | None = None
    languages: Mapping[str, int] = field(default_factory=dict)
    """Rows of each language, as the file writes it; empty without a column that says."""
    notes: Sequence[str] = ()
    """Sentences about what was decided that nobody needs to act on."""
    warnings: Sequence[str] = ()
    """Sentences about what somebody should look at."""
    sample: Sequence[Mapping[str, Any]] = ()
    """The first rows as they were read."""

    keys: Keys | None = field(default=None, repr=False, compare=False)
    """To compare files with."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        shown = asdict(replace(self, keys=None))
        del shown["keys"]
        return shown | {"note_codes": codes_of(self.notes), "warning_codes": codes_of(self.warnings)}


def compare(readings: Mapping[str, Reading], to: str = "train") -> dict[str, Reading]:
    """The readings, where those of held-out files say how much of them stands in the file that is trained on."""
    base = readings.get(to)
    return {
        name: reading if base is None or name == to else _compared(reading, name, base)
        for name, reading in readings.items()
    }


def _compared(reading: Reading, name: str, base: Reading) -> Reading:
    if reading.keys is None or base.keys is None:
        return reading
    leaks, shared = (
        len(np.intersect1d(getattr(reading.keys, kind), getattr(base.keys, kind), assume_unique=True))
        for kind in ("pairs", "premises")
    )
    warnings = list(reading.warnings)
    if leaks:
        warnings.append(Told(f"{leaks:,} pairs of {name} also stand in training: scores on them say little", "leaks"))
    elif shared:
        warnings.append(Told(f"{shared:,} premises of {name} also stand in training", "shared_premises"))
    return replace(reading, leaks=leaks, shared_premises=shared, warnings=warnings)
