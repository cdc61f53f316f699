"""How the cells of a text are parted: the delimiter, whether quotes wrap cells, and where each cell stands.

With quoting, RFC 4180 holds: a quote inside a quoted cell is written twice, a quoted cell may hold delimiters and line
breaks. Without, a quote is a character; but a cell that a spreadsheet wrapped because it holds quotes, each of them
doubled inside (`"the ""big"" one"`), is still unwrapped: no text is written like that.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ltp.errors import ExamplesError
from ltp.text.files.record import place

WRAPPED = re.compile(r'"[^"]*+(?:""[^"]*+)++"')
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_LONE_CR = "a carriage return inside a line; end lines with LF or CRLF, and quote a text that holds one"

NumberedLines = Iterable[tuple[int, str]]
CellRow = tuple[int, str, list[str]]
"""Line of its start, text without line end, cells."""


@dataclass(frozen=True)
class Dialect:
    """What parts and wraps cells."""

    delimiter: str
    quoted: bool
    padded: bool = False
    """Whether blanks after a delimiter belong to it, as in `premise, hypothesis`."""

    def rows(self, lines: NumberedLines) -> Iterator[CellRow]:
        """Yield each row that is not blank. Raises ExamplesError."""
        every_row = self._quoted_rows(lines) if self.quoted else self._plain_rows(lines)
        return (row for row in every_row if any(map(str.strip, row[2])))

    def spans(self, raw: str) -> list[tuple[int, int]]:
        """Where each cell of a row starts and ends in its text, quotes included."""
        cells: list[tuple[int, int]] = []
        at = 0
        while True:
            end = self._quoted_end(raw, at) if self.quoted else None
            if end is None:
                end = raw.find(self.delimiter, at)
                end = len(raw) if end < 0 else end
                if (cr := raw.find("\r", at, end)) >= 0:
                    raise _Malformed(_LONE_CR, cr)
            cells.append((at, end))
            if end == len(raw):
                return cells
            at = end + 1

    def _plain_rows(self, lines: NumberedLines) -> Iterator[CellRow]:
        for line, text in lines:
            raw = without_line_end(text)
            if (at := raw.find("\r")) >= 0:
                raise ExamplesError(_LONE_CR, line=line, column=at + 1)
            yield line, raw, self.plain_cells(raw)

    def plain_cells(self, raw: str) -> list[str]:
        """The cells of a row in which quotes are characters."""
        cells = raw.split(self.delimiter)
        if '""' in raw:
            cells = [cell[1:-1].replace('""', '"') if WRAPPED.fullmatch(cell) else cell for cell in cells]
        if self.padded:
            cells = [cell.lstrip(" ") for cell in cells]
        return cells

    def _quoted_rows(self, lines: NumberedLines) -> Iterator[CellRow]:
        pending: list[tuple[int, str]] = []

        def feed() -> Iterator[str]:
            for numbered in lines:
                pending.append(numbered)
                yield numbered[1]

        reader = csv.reader(feed(), delimiter=self.delimiter, strict=True, skipinitialspace=self.padded)
        while True:
            pending.clear()
            try:
                cells = next(reader, None)
            except csv.Error as fault:
                raise self._malformed(pending, str(fault)) from fault
            if cells is None:
                return
            yield pending[0][0], without_line_end("".join(text for _, text in pending)), cells

    def _malformed(self, pending: Sequence[tuple[int, str]], message: str) -> ExamplesError:
        """The error for a row that the csv module refused, with the place it does not tell."""
        raw, offset = without_line_end("".join(text for _, text in pending)), 0
        try:
            self.spans(raw)
        except _Malformed as fault:
            message, offset = str(fault), fault.offset
        line, column = place(raw, offset, pending[0][0])
        return ExamplesError(message, line=line, column=column)

    def _quoted_end(self, raw: str, at: int) -> int | None:
        """Where the quoted cell that starts at `at` ends, or None when the cell is not quoted."""
        while self.padded and raw.startswith(" ", at):
            at += 1
        if not raw.startswith('"', at):
            return None
        cell = _QUOTED.match(raw, at)
        if cell is None:
            limit = csv.field_size_limit()
            where = "before the end of the file" if len(raw) - at <= limit else f"within {limit:,} characters"
            raise _Malformed(f"the quote opened here is not closed {where}", at)
        if cell.end() < len(raw) and raw[cell.end()] != self.delimiter:
            what = 'text after a closing quote; a quote inside a quoted cell is written twice ("")'
            raise _Malformed(what, cell.end())
        return cell.end()


class _Malformed(ValueError):
    """The cells cannot be told apart from `offset` on."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def without_line_end(text: str) -> str:
    """A line's text."""
    return text.removesuffix("\n").removesuffix("\r")
