"""Whether the quotes of a file wrap its cells, told from its first rows.

Commas and semicolons occur in texts, so whoever parts cells by them has to quote. By tabs, files come in both ways:
XNLI's and AmericasNLI's texts hold quotes that are characters, FarsTail's and a spreadsheet's text export quote cells.
Quotes wrap cells where pipes part even rows, which programs write; where the rows are even only if quotes do; where the
first row is quoted throughout, which only a program does; and where just those cells are wrapped that a program would
wrap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ltp.errors import ExamplesError
from ltp.text.columns import NAMES, fold
from ltp.text.files.dialect import Dialect
from ltp.text.files.first_row import is_label

Head = Sequence[tuple[int, str]]
_ALWAYS = {",", ";"}
_CELL = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_OPEN_AT_THE_END = 50
"""Lines before the end of what is looked at, in which a quoted cell may have begun that ends behind it."""


def dialect_of(head: Head, delimiter: str, *, cut: bool) -> Dialect:
    """How the first rows are quoted and padded; `cut` says that the file goes on behind them."""
    quoted = delimiter in _ALWAYS or (any('"' in text for _, text in head) and _wraps(head, delimiter, cut=cut))
    return Dialect(delimiter, quoted, padded=_is_padded(head, Dialect(delimiter, quoted)))


def _wraps(head: Head, delimiter: str, *, cut: bool) -> bool:
    quoted, plain = Dialect(delimiter, quoted=True), Dialect(delimiter, quoted=False)
    if _quoted_throughout(head, quoted):
        return True
    if not _is_even(head, quoted, cut=cut):
        return False
    if delimiter != "\t" or not _is_even(head, plain, cut=False) or _wraps_as_programs_do(head, delimiter):
        return True
    return _is_labelled(head, quoted) and not _is_labelled(head, plain)


def _is_even(head: Head, dialect: Dialect, *, cut: bool) -> bool:
    """Whether all rows have as many cells as the first."""
    widths: set[int] = set()
    line = head[0][0]
    try:
        for line, _, cells in dialect.rows(iter(head)):  # noqa: B007  read after the loop
            widths.add(len(cells))
    except ExamplesError:
        return cut and len(widths) == 1 and head[-1][0] - line < _OPEN_AT_THE_END
    return len(widths) == 1


def _is_labelled(head: Head, dialect: Dialect) -> bool:
    """Whether each row but a header has a cell that is a label: a row that was cut in two has it in one part only."""
    try:
        return all(any(map(is_label, cells)) for place, (_, _, cells) in enumerate(dialect.rows(iter(head))) if place)
    except ExamplesError:
        return False


def _wraps_as_programs_do(head: Head, delimiter: str) -> bool:
    """Whether just the cells with quotes are wrapped, as Python does, or just those with quotes or commas, as Excel."""
    cells = [cell for _, text in head for cell in text.rstrip("\r\n").split(delimiter)]
    wrapped = [cell[1:-1] for cell in cells if _CELL.fullmatch(cell)]
    plain = [cell for cell in cells if not _CELL.fullmatch(cell)]
    if any('"' in cell for cell in plain):
        return False
    if wrapped and all('"' in cell for cell in wrapped):
        return True
    special = all('"' in cell or "," in cell for cell in wrapped)
    return len(wrapped) > 1 and special and not any("," in cell for cell in plain)


def _quoted_throughout(head: Head, quoted: Dialect) -> bool:
    """Whether the first row is quoted as only a program quotes: column names, or a label, in quotes."""
    if not head[0][1].startswith('"'):
        return False
    try:
        _, raw, cells = next(quoted.rows(iter(head)), (0, "", [""]))
    except ExamplesError:
        return False
    if not all(raw.startswith('"', start) for start, _ in quoted.spans(raw)):
        return False
    return any(fold(cell) in NAMES["premise"] for cell in cells) or (len(cells) > 2 and is_label(cells[2]))


def _is_padded(head: Head, dialect: Dialect) -> bool:
    """Whether a blank follows each delimiter of the first row, or one stands before a quote that opens a cell."""
    if dialect.delimiter == "\t":
        return False
    try:
        for place, (_, raw, cells) in enumerate(dialect.rows(iter(head))):
            if place == 0 and len(cells) > 1 and all(cell.startswith(" ") for cell in cells[1:]):
                return True
            if any(cell.startswith(" ") and cell.lstrip(" ").startswith('"') for cell in cells):
                starts = [start for start, _ in dialect.spans(raw)]  # not where the blank itself is in quotes
                if any(raw.startswith(" ", start) and raw[start:].lstrip(" ").startswith('"') for start in starts):
                    return True
    except (ExamplesError, ValueError):
        return ' "' in head[0][1]
    return False
