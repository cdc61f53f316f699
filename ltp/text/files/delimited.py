"""CSV and TSV: rows of cells between delimiters, written back with cells added."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ltp.errors import ExamplesError
from ltp.text.files.dialect import Dialect
from ltp.text.files.quick_cells import Cells, quick_cells
from ltp.text.files.record import Record, Value, as_text, place
from ltp.text.lines import Block, TextFile

SourceRow = tuple[int, str | tuple[bytes, int, int], Sequence[str]]
"""Line of its start, where it stands, cells."""
_LONGEST = 2**22
"""Bytes of a block that is cut quickly: a quote that is never closed must not gather the whole file."""
_NAMED = {"\t": "a tab", "|": "a pipe"}


@dataclass(frozen=True)
class Delimited:
    """The format of a file of cells."""

    dialect: Dialect
    header_row: str | None
    """The header as it stands in the file; None when there is none."""
    names: tuple[str, ...]
    """The names of the columns as the header has them; without one "1", "2", "3", ..."""
    first_line: int
    """Where the first row stands, from 1."""
    declaration: str | None = None
    """A line `sep=;` before the first row, as it stands."""

    @property
    def result(self) -> Literal["csv", "tsv"]:
        """What results are written as."""
        return self.name

    @property
    def separator(self) -> str:
        """What parts the cells."""
        return self.dialect.delimiter

    @property
    def quoted(self) -> bool:
        """Whether quotes wrap cells."""
        return self.dialect.quoted

    @property
    def has_header(self) -> bool:
        """Whether the names stand in the file."""
        return self.header_row is not None

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
        return "tsv" if self.separator == "\t" else "csv"

    def records(self, text: TextFile) -> Iterator[Record]:
        """Yield a record for each row that is not blank, the header left out. Raises ExamplesError."""
        keys, width, offset_of, missing_at = self.keys, self.width, self._offset_of, None
        rows = self._rows(text)
        if self.has_header:
            next(rows, None)
        for line, source, cells in rows:
            if len(cells) != width:
                self._refuse_width(Record(line, source, {}, offset_of).raw, line, cells)
            yield Record(line, source, dict(zip(keys, cells, strict=False)), offset_of, missing_at)

    def _rows(self, text: TextFile) -> Iterator[SourceRow]:
        """The rows, as many at a time as can be, from the first on."""
        quick = _Quick(self)
        blocks, line, data = text.read_blocks(quick), 1, b""
        for line, data, cut in blocks:
            if cut is not None:
                yield from cut
            elif self.quoted and line + data.count(b"\n") > self.first_line:
                quick.on, begun = False, quick.rest
                block = (line - begun.count(b"\n"), begun + data)
                yield from self._exact_rows(itertools.chain([block], ((at, more) for at, more, _ in blocks)))
                return
            else:
                yield from self._exact_rows([(line, data)])
        if quick.rest:
            yield from self._exact_rows([(line + data.count(b"\n") - quick.rest.count(b"\n"), quick.rest)])

    def _exact_rows(self, blocks: Iterable[Block]) -> Iterator[SourceRow]:
        lines = (numbered for line, data in blocks for numbered in enumerate(map(bytes.decode, io.BytesIO(data)), line))
        return self.dialect.rows(numbered for numbered in lines if numbered[0] >= self.first_line)

    def _offset_of(self, raw: str, name: str) -> int | None:
        cells = self.dialect.spans(raw)
        at = self.keys.index(name) if name in self.keys else len(cells)
        return cells[at][0] if at < len(cells) else None

    def _refuse_width(self, raw: str, line: int, cells: Sequence[str]) -> None:
        """Refuse cells too many, and a row that lacks some because a line break in a text tore it."""
        torn = cells[-1].count('"') % 2 and (cells[-1].startswith('"') or cells[-1].endswith('"'))
        if len(cells) < self.width and torn and not self.quoted:
            raise ExamplesError(
                f"{len(cells)} cells where the first row has {self.width}, and a lone quote in the last: a text that"
                " goes on in another line. Quotes wrap no text in the first rows of this file, so a text cannot hold a"
                " line break; take it out, or save the file as CSV",
                line=line,
                column=self.dialect.spans(raw)[-1][0] + 1,
            )
        if any(cell.strip() for cell in cells[self.width :]):
            at, column = place(raw, self.dialect.spans(raw)[self.width][0], line)
            cure = (
                "a text that holds the delimiter needs quotes"
                if self.quoted
                else f"a text cannot hold {_NAMED.get(self.separator, self.separator)}"
            )
            message = f"{len(cells)} cells where the first row has {self.width}; {cure}"
            raise ExamplesError(message, line=at, column=column)

    def taken(self, record: Record) -> Iterable[str]:
        """The names in use, which a further column may not have."""
        del record
        return () if self.header_row is None else self.names

    def heading(self, names: Sequence[str]) -> list[str]:
        """The lines before the rows, with the names of further columns."""
        declared = [] if self.declaration is None else [self.declaration]
        return declared if self.header_row is None else [*declared, self.separator.join([self.header_row, *names])]

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The row's text with a cell for each value; short rows are filled up, empty surplus cells cut off."""
        del names
        at = self.dialect.spans(record.raw)
        row = record.raw[: at[: self.width][-1][1]] + self.separator * (self.width - len(at))
        return self.separator.join([row, *map(self._cell, values)])

    def _cell(self, value: Value) -> str:
        text = " ".join(as_text(value).split())
        special = {",", ";", '"', self.separator}
        return '"' + text.replace('"', '""') + '"' if self.quoted and special & set(text) else text


class _Quick:
    """Cuts blocks quickly; `rest` is the start of a row that ends in the next, and known to be text."""

    def __init__(self, form: Delimited) -> None:
        self.form, self.on, self.rest = form, not form.dialect.padded, b""

    def __call__(self, line: int, data: bytes) -> Iterator[SourceRow] | None:
        """The rows that end in the block; what they are made of is let go with the last."""
        form, begun = self.form, self.rest
        if not self.on or line < form.first_line or not data.endswith(b"\n") or len(begun) + len(data) >= _LONGEST:
            return None
        data = begun + data
        cells = quick_cells(data, form.separator, quoted=form.quoted)
        if cells is None:
            return None
        rest = data[cells.length :]
        rest.decode()
        self.rest = rest
        return self._rows(line - begun.count(b"\n"), data, cells)

    def _rows(self, line: int, data: bytes, cells: Cells) -> Iterator[SourceRow]:
        for before, start, end, row in cells.rows(self.form.width):
            yield line + before, (data, start, end), row


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
