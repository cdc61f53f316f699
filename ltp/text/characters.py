"""The table of characters that XLM-R's vocabulary does not have, and what is read in their place. Imports no torch.

`characters.tsv` beside this file has one row a character: itself, its code point, its replacement, why this one, the
languages that write it (BCP 47, those with most speakers first, at most six; `und` where no list of letters that was
looked at has it), and where that is from. A combining mark stands on a dotted circle. Why:

- `case`: the same letter in the other case is a piece of the vocabulary;
- `mark`: the same letter without its last mark is;
- `look-alike`: a letter or mark that looks like it, or that its writers use for it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

DOTTED_CIRCLE = "◌"


@dataclass(frozen=True, slots=True)
class Row:
    """One character and its replacement, of one character or two."""

    character: str
    replacement: str
    why: str
    languages: tuple[str, ...]
    source: str


@cache
def rows() -> tuple[Row, ...]:
    """The table, in its order."""
    text = files("ltp.text").joinpath("characters.tsv").read_text(encoding="utf-8")
    return tuple(
        Row(
            character=row["character"].removeprefix(DOTTED_CIRCLE),
            replacement=row["replacement"].removeprefix(DOTTED_CIRCLE),
            why=row["why"],
            languages=tuple(row["languages"].split()),
            source=row["source"],
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )
