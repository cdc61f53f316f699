"""Which format a file of pairs has, from its first lines and its name; its content counts for more."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NoReturn

from ltp.errors import ExamplesError
from ltp.text.columns import NAMES, TEXTS, AmbiguousColumns, Role, fold, roles_in_header
from ltp.text.files.delimited import Delimited, rows, spans
from ltp.text.files.jsonlines import JsonLines
from ltp.text.files.record import place
from ltp.text.label_words import label_of_word
from ltp.text.labels import UNDECIDED, parse_label

Format = JsonLines | Delimited

_JSON_NAMES = {".jsonl", ".ndjson", ".json"}
_TAB_FIRST, _COMMA_FIRST = ("\t", ",", ";"), (",", ";", "\t")
_ADVICE = (
    "a file without a header holds premise, hypothesis and label, in this order;"
    " name the columns in a header line if yours differ"
)
_TRIED_ROWS = 20
_DECLARED = re.compile(r'(?P<line>\s*"?sep=(?P<delimiter>[^\w\s"]|\t)"?[ ,;\t]*)\r?\n?', re.IGNORECASE)
"""A first line that says what parts the cells; what a spreadsheet made of it, saving the file once more, too."""


def detect_format(head: Sequence[tuple[int, str]], filename: str | None, named: Collection[str] = ()) -> Format:
    """The format of a file from its first lines, each with its number. Raises ExamplesError.

    `named` are names that columns are known to have, besides those that data sets use.
    """
    suffix = Path(filename or "").suffix.lower()
    if declared := _DECLARED.fullmatch(head[0][1]):
        return _after_declaration(head, declared, named)
    if suffix in _JSON_NAMES or head[0][1].lstrip().startswith(("{", "[{")):
        return JsonLines(_first_keys(head))
    order = _COMMA_FIRST if suffix == ".csv" else _TAB_FIRST
    tried = [_FirstRow(head, delimiter, named) for delimiter in order]
    return max(tried, key=lambda row: row.score).settle()  # the earliest of equals


def _first_keys(head: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """The keys of the first object; none when it cannot be read, which reading on will say."""
    try:
        return tuple(next(JsonLines().records(iter(head))).fields)
    except (ExamplesError, StopIteration):
        return ()


def _after_declaration(head: Sequence[tuple[int, str]], declared: re.Match[str], named: Collection[str]) -> Delimited:
    """The format after a first line `sep=;`, which is Excel's, counts for every program, and is no row."""
    rest = [(number, text) for number, text in head[1:] if text.strip()]
    if not rest:
        raise ExamplesError("the file holds no rows")
    form = _FirstRow(rest, declared["delimiter"], named).settle()
    return replace(form, declaration=declared["line"])


class _FirstRow:
    """The first row as one delimiter cuts it."""

    def __init__(self, head: Sequence[tuple[int, str]], delimiter: str, named: Collection[str]) -> None:
        self.head, self.delimiter, self.named = head, delimiter, named
        self.cells = head[0][1].rstrip("\r\n").split(delimiter)
        self.quoted = delimiter != "\t" or _quoted_throughout(head)
        self.widths: set[int] = set()
        with contextlib.suppress(ExamplesError):  # raised again once the format is settled
            for index, (_, _, cells) in enumerate(islice(rows(iter(head), delimiter, quoted=self.quoted), _TRIED_ROWS)):
                self.cells = self.cells if index else cells
                self.widths.add(len(cells))
        self.ambiguous: AmbiguousColumns | None = None
        self.roles: Mapping[Role, int] = {}
        try:
            self.roles = roles_in_header(tuple(self.cells))
        except AmbiguousColumns as fault:
            self.ambiguous = fault

    @property
    def labelled(self) -> bool:
        """Whether the row reads as premise, hypothesis, label."""
        return len(self.cells) > 2 and _is_label(self.cells[2])

    @property
    def is_header(self) -> bool:
        """Whether the row names columns."""
        known = sum(role in self.roles for role in (*TEXTS, "label"))
        return known > 1 or (known == 1 and not self.labelled) or any(name in self.cells for name in self.named)

    @property
    def score(self) -> tuple[int, bool]:
        """How well the row reads: a header with both texts, a labelled row, columns; and whether others are as wide."""
        reads = 0
        if self.ambiguous or all(role in self.roles for role in TEXTS) or set(self.named) & set(self.cells):
            reads = 3
        elif self.labelled:
            reads = 2
        elif len(self.cells) > 1 and (len(self.cells) == 2 or self.is_header or not self.cells[2].strip()):
            reads = 1
        return reads, len(self.cells) > 1 and len(self.widths) == 1

    def settle(self) -> Delimited:
        """The format that the row shows. Raises ExamplesError when it shows none."""
        first = next(rows(iter(self.head), self.delimiter, quoted=self.quoted), None)
        if first is None:
            raise ExamplesError("the file holds no rows")
        line, raw, cells = first
        if self.ambiguous or self.is_header:
            return Delimited(self.delimiter, self.quoted, raw, tuple(cells), line)
        numbers = tuple(str(number) for number in range(1, len(cells) + 1))
        if not self.score[0] and not set(self.named) & set(numbers):
            self._refuse(line, raw, cells)
        return Delimited(self.delimiter, self.quoted, None, numbers, line)

    def _refuse(self, line: int, raw: str, cells: Sequence[str]) -> NoReturn:
        if len(cells) < 3:
            raise ExamplesError(
                f"no second column, parted by a tab, a comma or a semicolon; {_ADVICE}", line=line, column=1
            )
        at, column = place(raw, spans(raw, self.delimiter, quoted=self.quoted)[2][0], line)
        raise ExamplesError(f"{cells[2]!r:.60} is not a label; {_ADVICE}", line=at, column=column)


def _is_label(cell: str) -> bool:
    return parse_label(cell) is not None or label_of_word(cell) is not None or cell.strip() in UNDECIDED


def _quoted_throughout(head: Sequence[tuple[int, str]]) -> bool:
    """Whether a TSV's first row is quoted as only a program quotes: column names, or a label, in quotes."""
    if not head[0][1].startswith('"'):
        return False
    try:
        _, raw, cells = next(rows(iter(head), "\t", quoted=True), (0, "", [""]))
    except ExamplesError:
        return False
    if not all(raw.startswith('"', start) for start, _ in spans(raw, "\t", quoted=True)):
        return False
    return any(fold(cell) in NAMES["premise"] for cell in cells) or (len(cells) > 2 and _is_label(cells[2]))
