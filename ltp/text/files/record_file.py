"""A file of pairs as records, whatever its format; it is read from the start as often as asked, and never held."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ltp.errors import ExamplesError
from ltp.text.files.archive import members
from ltp.text.files.arrow import arrow_table
from ltp.text.files.delimited import Delimited
from ltp.text.files.detection import head_of
from ltp.text.files.json_document import JsonDocument, json_document
from ltp.text.files.jsonlines import JsonLines
from ltp.text.files.record import Record
from ltp.text.files.spreadsheets import SheetFormat, spreadsheet
from ltp.text.files.table import Table
from ltp.text.files.xml_pairs import xml_pairs
from ltp.text.lines import TextFile

Format = JsonLines | JsonDocument | Delimited | Table

_HEAD_CHARACTERS = 2**18  # what is looked at to detect the format: a first row whose texts hold line breaks fits
_NO_DATA = {
    "version https://git-lfs.github.com/": "is a pointer of Git LFS, not the data; fetch that with git lfs pull",
    "<!doctype html": "is a web page, not the data; download the file itself (on a hub, by its link to the raw file)",
    "<html": "is a web page, not the data; download the file itself (on a hub, by its link to the raw file)",
}
_OFFICE = {"[Content_Types].xml", "mimetype"}
"""What a document of an office program has in it, of which only spreadsheets are read."""


class RecordFile:
    """The records of a file of rows, or of its bytes."""

    def __init__(self, file: Path | bytes, filename: str | None = None, *, named: Collection[str] = ()) -> None:
        """Detect the format. Raises ExamplesError for what is no format of rows, holds nothing, or has no columns.

        `named` are names that columns are known to have, besides those that data sets use.
        """
        if isinstance(file, Path):
            if not file.is_file():
                raise ExamplesError(f"there is no file {file}")
            filename = filename or file.name
        self.open: Callable[[], BinaryIO] = lambda: file.open("rb") if isinstance(file, Path) else io.BytesIO(file)
        self._text: TextFile | None = None
        self._packed: str | None = None
        self.line_end, self.marked = "\n", False
        """How the lines of results end, and whether they begin with a byte-order mark."""
        self.format: Format = self._table(named) or self._text_format(filename, named)
        if isinstance(self.format, Table):
            self.marked = self.format.result == "csv"

    @property
    def encoding(self) -> str | None:
        """What the text is written in; None where the format is no text."""
        return self._text.encoding if self._text else None

    @property
    def compression(self) -> str | None:
        """How the file is packed."""
        return self._packed or (self._text.compression if self._text else None)

    @property
    def label_names(self) -> Mapping[str, tuple[str, ...]]:
        """What the numbers of a column stand for, where the file says it: the label of 0, of 1, ..."""
        return self.format.label_names if isinstance(self.format, Table | JsonDocument) else {}

    def __iter__(self) -> Iterator[Record]:
        """Every row. Raises ExamplesError where one cannot be read, and when there is none."""
        records = self._records()
        first = next(records, None)
        if first is None:
            raise ExamplesError("the file holds a header and no rows", fault="no_rows")
        yield first
        yield from records

    def _records(self) -> Iterator[Record]:
        form = self.format
        if isinstance(form, Table | JsonDocument):
            return form.records()
        if self._text is None:
            return iter(())
        return form.records(self._text)

    def _table(self, named: Collection[str]) -> Table | None:
        """The table in a file that is no text, if it is one; what a zip archive holds is opened from then on."""
        with self.open() as stream:
            start = stream.read(8)
            if start.startswith(b"PK\x03\x04"):
                names = members(stream)
                if kind := _spreadsheet_kind(names):
                    return spreadsheet(self.open, kind, named)
                self._open_member(names)
                return None
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            return spreadsheet(self.open, "xls", named)
        if start.startswith(b"PAR1"):
            return arrow_table(self.open, "parquet")
        if start.startswith(b"ARROW1"):
            return arrow_table(self.open, "feather")
        if start.startswith(b"\xff\xff\xff\xff"):
            return arrow_table(self.open, "arrow")
        return None

    def _open_member(self, names: list[str]) -> None:
        """Read the only file of an archive in its place."""
        files = [name for name in names if not name.startswith("__MACOSX/")]
        if len(files) != 1:
            listed = ", ".join(map(repr, files[:5])) or "nothing"
            raise ExamplesError(
                f"the zip archive holds {len(files)} files ({listed}); unpack it and name one of them",
                fault="not_a_table" if _OFFICE & set(files) else "several_files",
                values=files,
            )
        archive = self.open
        self.open, self._packed = (lambda: _member(archive(), files[0])), "zip"

    def _text_format(self, filename: str | None, named: Collection[str]) -> Format:
        self._text = text = TextFile(self.open, ExamplesError)
        if _is_one_line_of_json(text.texts()):
            return json_document(text, named)
        lines, cut = _head(text.lines())
        if not lines:
            raise ExamplesError("the file holds no rows", fault="no_rows")
        start = lines[0][1].lstrip().lower()
        for sign, words in _NO_DATA.items():
            if start.startswith(sign):
                raise ExamplesError(f"the file {words}", line=lines[0][0], column=1, fault="not_a_table")
        if start.startswith("<?xml") or (start.startswith("<") and any("<pair" in line for _, line in lines)):
            self._text = None
            return xml_pairs(text.open)
        self.line_end, self.marked = "\r\n" if lines[0][1].endswith("\r\n") else "\n", bool(text.mark)
        head = head_of(lines, cut=cut, filename=filename, named=named)
        if head.is_json:
            return head.json_lines() if head.is_json_lines else json_document(text, named)
        return head.delimited()


def _spreadsheet_kind(names: Collection[str]) -> SheetFormat | None:
    """Which kind of spreadsheet a zip archive with these files is."""
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    return "ods" if {"content.xml", "mimetype"} <= set(names) else None


def _member(stream: BinaryIO, name: str) -> BinaryIO:
    return io.BufferedReader(zipfile.ZipFile(stream).open(name))  # type: ignore[type-var]


def _is_one_line_of_json(texts: Iterator[str]) -> bool:
    """Whether the text begins as JSON and has no line end for long, so that it cannot be read by lines."""
    start = ""
    for piece in texts:
        start += piece
        if "\n" in piece or len(start) > _HEAD_CHARACTERS:
            break
    return "\n" not in start and len(start) > _HEAD_CHARACTERS and start.lstrip().startswith(("{", "["))


def _head(lines: Iterator[tuple[int, str]]) -> tuple[list[tuple[int, str]], bool]:
    """The first lines, from the first that is not blank, and whether there are more."""
    head: list[tuple[int, str]] = []
    size = 0
    for number, text in lines:
        if size > _HEAD_CHARACTERS:
            return head, True
        if head or text.strip():
            head.append((number, text))
            size += len(text)
    return head, False
