"""CSV and TSV: cells between delimiters, with the place of each for error messages.

CSV is read with quoting (RFC 4180: a quote inside a quoted cell is written twice, a quoted cell may hold line breaks).
TSV is read with quoting off, because XNLI's and AmericasNLI's texts hold plain quote characters, unless its first row
is quoted throughout, which only a program does. A TSV cell that a spreadsheet wrapped because it holds quotes, each of
them doubled inside (`"the ""big"" one"`), is still unwrapped: no text is written like that.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ltp.errors import ExamplesError
from ltp.text.files.record import Record, Value, place

_WRAPPED = re.compile(r'"[^"]*+(?:""[^"]*+)++"')
_OPENING = re.compile(r' *+"')
_QUOTED = re.compile(r' *+"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True)
class Delimited:
    """The format of a file of cells."""

    delimiter: str
    quoted: bool
    header_row: str | None
    """The header as it stands in the file; None when there is none."""
    names: tuple[str, ...]
    """The names of the columns as the header has them; without one "1", "2", "3", ..."""
    first_line: int
    """Where the first row stands, from 1."""
    declaration: str | None = None
    """A line `sep=;` before the first row, as it stands."""

    @property
    def separator(self) -> str:
        """What parts the cells."""
        return self.delimiter

    @property
    def width(self) -> int:
        """Cells in the first row."""
        return len(self.names)

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """Under what name a record has each column: the header's, with a number where it stands twice."""
        return distinct(self.names)

    @property
    def name(self) -> Literal["csv", "tsv"]:
        """TSV is what is parted by tabs, whatever its file is called."""
        return "tsv" if self.delimiter == "\t" else "csv"

    def records(self, lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
        """Yield a record for each row that is not blank, the header left out. Raises ExamplesError."""
        skip = self.header_row is not None
        lines = (numbered for numbered in lines if numbered[0] >= self.first_line)
        keys = self.keys
        for line, raw, cells in rows(lines, self.delimiter, quoted=self.quoted):
            if skip:
                skip = False
                continue
            self._refuse_surplus(line, raw, cells)
            yield Record(line, raw, dict(zip(keys, cells, strict=False)), self._offset_of, missing_at=len(raw))

    def _offset_of(self, raw: str, name: str) -> int | None:
        cells = spans(raw, self.delimiter, quoted=self.quoted)
        at = self.keys.index(name) if name in self.keys else len(cells)
        return cells[at][0] if at < len(cells) else None

    def _refuse_surplus(self, line: int, raw: str, cells: Sequence[str]) -> None:
        if any(cell.strip() for cell in cells[self.width :]):
            at, column = place(raw, spans(raw, self.delimiter, quoted=self.quoted)[self.width][0], line)
            cure = "a text that holds the delimiter needs quotes" if self.quoted else "a text cannot hold a tab"
            message = f"{len(cells)} cells where the first row has {self.width}; {cure}"
            raise ExamplesError(message, line=at, column=column)

    def taken(self, record: Record) -> Iterable[str]:
        """The names in use, which a further column may not have."""
        del record
        return () if self.header_row is None else self.names

    def header(self, names: Sequence[str]) -> list[str]:
        """The lines before the rows, with the names of further columns."""
        declared = [] if self.declaration is None else [self.declaration]
        return declared if self.header_row is None else [*declared, self.delimiter.join([self.header_row, *names])]

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The row's text with a cell for each value; short rows are filled up, empty surplus cells cut off."""
        del names
        at = spans(record.raw, self.delimiter, quoted=self.quoted)
        row = record.raw[: at[: self.width][-1][1]] + self.delimiter * (self.width - len(at))
        return self.delimiter.join([row, *map(self._cell, values)])

    def _cell(self, value: Value) -> str:
        match value:
            case None:
                return ""
            case bool():
                return str(value).lower()
            case float():
                return f"{value:.6f}"
        text = " ".join(str(value).split())
        special = {",", ";", '"', self.delimiter}
        return '"' + text.replace('"', '""') + '"' if self.quoted and special & set(text) else text


def rows(lines: Iterable[tuple[int, str]], delimiter: str, *, quoted: bool) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line of its start, text without line end, cells) of each row that is not blank. Raises ExamplesError."""
    every_row = _quoted_rows(lines, delimiter) if quoted else _plain_rows(lines, delimiter)
    return (row for row in every_row if any(map(str.strip, row[2])))


def _plain_rows(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    for line, text in lines:
        raw = _without_line_end(text)
        if (at := raw.find("\r")) >= 0:
            raise ExamplesError(_LONE_CR, line=line, column=at + 1)
        cells = raw.split(delimiter)
        if '""' in raw:
            cells = [cell[1:-1].replace('""', '"') if _WRAPPED.fullmatch(cell) else cell for cell in cells]
        yield line, raw, cells


def _quoted_rows(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    pending: list[tuple[int, str]] = []

    def feed() -> Iterator[str]:
        for numbered in lines:
            pending.append(numbered)
            yield numbered[1]

    reader = csv.reader(feed(), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        pending.clear()
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            raise _malformed(pending, delimiter, str(fault)) from fault
        if cells is None:
            return
        yield pending[0][0], _without_line_end("".join(text for _, text in pending)), cells


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


_LONE_CR = "a carriage return inside a line; end lines with LF or CRLF, and quote a text that holds one"


class _Malformed(ValueError):
    """The cells cannot be told apart from `offset` on."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def _malformed(pending: Sequence[tuple[int, str]], delimiter: str, message: str) -> ExamplesError:
    """The error for a row that the csv module refused, with the place it does not tell."""
    raw, offset = _without_line_end("".join(text for _, text in pending)), 0
    try:
        spans(raw, delimiter, quoted=True)
    except _Malformed as fault:
        message, offset = str(fault), fault.offset
    line, column = place(raw, offset, pending[0][0])
    return ExamplesError(message, line=line, column=column)


def spans(raw: str, delimiter: str, *, quoted: bool) -> list[tuple[int, int]]:
    """Where each cell of a row starts and ends in its text, quotes included."""
    cells: list[tuple[int, int]] = []
    at = 0
    while True:
        end = _quoted_end(raw, at, delimiter) if quoted else None
        if end is None:
            end = raw.find(delimiter, at)
            end = len(raw) if end < 0 else end
            if (cr := raw.find("\r", at, end)) >= 0:
                raise _Malformed(_LONE_CR, cr)
        cells.append((at, end))
        if end == len(raw):
            return cells
        at = end + 1


def _quoted_end(raw: str, at: int, delimiter: str) -> int | None:
    """Where the quoted cell that starts at `at` ends, or None when the cell is not quoted."""
    opening = _OPENING.match(raw, at)
    if opening is None:
        return None
    cell = _QUOTED.match(raw, at)
    if cell is None:
        limit = f"{csv.field_size_limit():,} characters"
        raise _Malformed(f"the quote opened here is not closed within {limit}", opening.end() - 1)
    if cell.end() < len(raw) and raw[cell.end()] != delimiter:
        raise _Malformed('text after a closing quote; a quote inside a quoted cell is written twice ("")', cell.end())
    return cell.end()


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Each name once: an empty one becomes its column's number, a second `label` becomes `label (2)`."""
    taken: set[str] = set(names)
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        candidates = (name or str(number), *(f"{name} ({n})" for n in range(2, len(names) + 2)))
        key = name if name and name not in found else next(c for c in candidates if c not in taken)
        taken.add(key)
        found.append(key)
    return tuple(found)
