"""Whether a first row of cells names columns or is a pair already."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from ltp.errors import ExamplesError
from ltp.text.columns import TEXTS, AmbiguousColumns, Role, fold, roles_in_header
from ltp.text.label_words import label_of_word
from ltp.text.labels import UNDECIDED, parse_label

ADVICE = (
    "a file without a header holds premise, hypothesis and label, in this order;"
    " name the columns in a header line if yours differ"
)
_MOST = 20
"""Cells of a first row that a refusal names."""


class FirstRow:
    """How a first row reads. `named` are names that columns are known to have, besides those that data sets use."""

    HEADER: ClassVar[int] = 3
    """A header with both texts, which is what one should find."""
    PAIR: ClassVar[int] = 2
    CELLS: ClassVar[int] = 1
    NOTHING: ClassVar[int] = 0

    def __init__(self, cells: Sequence[str], named: Collection[str]) -> None:
        self.cells, self.named = cells, named
        self.ambiguous: AmbiguousColumns | None = None
        self.roles: Mapping[Role, int] = {}
        try:
            self.roles = roles_in_header(tuple(cells))
        except AmbiguousColumns as fault:
            self.ambiguous = fault

    @property
    def labelled(self) -> bool:
        """Whether the row reads as premise, hypothesis, label."""
        return len(self.cells) > 2 and is_label(self.cells[2])

    @property
    def is_header(self) -> bool:
        """Whether the row names columns."""
        known = sum(role in self.roles for role in (*TEXTS, "label"))
        said = self._said
        return (
            (self.ambiguous is not None and not self.labelled)
            or known > 1
            or (known == 1 and not self.labelled)
            or said
        )

    @property
    def _said(self) -> bool:
        """Whether somebody named one of the cells as a column."""
        return bool({fold(name) for name in self.named} & {fold(cell) for cell in self.cells} - {""})

    @property
    def numbered(self) -> bool:
        """Whether somebody named columns by number, as those of a file without a header are."""
        return bool(set(self.named) & {str(number) for number in range(1, len(self.cells) + 1)})

    @property
    def reads(self) -> int:
        """How well the row reads: a header with both texts, a labelled row, columns, nothing."""
        if (self.ambiguous and not self.labelled) or all(role in self.roles for role in TEXTS) or self._said:
            return self.HEADER
        if self.labelled:
            return self.PAIR
        if len(self.cells) > 1 and (len(self.cells) == 2 or self.is_header or not self.cells[2].strip()):
            return self.CELLS
        return self.NOTHING


def refuse_without_header(row: FirstRow, line: int, width: int) -> None:
    """Refuse a first row of a table that is no header and no pair. Raises ExamplesError."""
    if row.numbered or (row.reads and width > 1):
        return
    if width < 3:
        raise ExamplesError(f"no second column; {ADVICE}", line=line, column=1, fault="no_text_columns")
    raise ExamplesError(neither(row.cells), line=line, column=3, fault="no_text_columns")


def neither(cells: Sequence[str]) -> str:
    """What is wrong with a first row that is no header as far as anybody knows, and no pair with a label."""
    names = ", ".join(f"{cell!r:.60}" for cell in cells[:_MOST] if cell.strip())
    more = ", ..." if len(cells) > _MOST else ""
    return (
        f"{cells[2]!r:.60} is not a label, and no column has a name that is known; the first row holds {names}{more}."
        ' If these are names, say which is which: --columns "premise=NAME,hypothesis=NAME,label=NAME" (without'
        " label where there is none). If they are a pair, the columns go by number: --columns"
        ' "premise=1,hypothesis=2,label=3"'
    )


def is_label(cell: str) -> bool:
    """Whether a cell spells a label, or that there is none."""
    return parse_label(cell) is not None or label_of_word(cell) is not None or cell.strip() in UNDECIDED


def holds_pairs(row: Mapping[str, Any], named: Collection[str]) -> bool:
    """Whether an object has both texts, itself or one level below."""
    keys = {*row, *(key for value in row.values() if isinstance(value, dict) for key in value)}
    if set(named) & keys:
        return True
    try:
        return set(TEXTS) <= set(roles_in_header(tuple(sorted(keys))))
    except AmbiguousColumns:
        return True
