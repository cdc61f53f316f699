"""A file of pairs as records, whatever its format; it is read from the start as often as asked, and never held."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from ltp.errors import ExamplesError
from ltp.text.files.detection import detect_format
from ltp.text.files.record import Record
from ltp.text.lines import TextFile

_HEAD_CHARACTERS = 2**18  # what is looked at to detect the format: a first row whose texts hold line breaks fits


class RecordFile:
    """The records of a JSONL, CSV or TSV file, or of its bytes."""

    def __init__(self, file: Path | bytes, filename: str | None = None, *, named: Collection[str] = ()) -> None:
        """Detect the format. Raises ExamplesError for what is not text, holds nothing, or has no columns.

        `named` are names that columns are known to have, besides those that data sets use.
        """
        if isinstance(file, Path):
            if not file.is_file():
                raise ExamplesError(f"there is no file {file}")
            filename = filename or file.name
        self.open: Callable[[], BinaryIO] = lambda: file.open("rb") if isinstance(file, Path) else io.BytesIO(file)
        self._text = TextFile(self.open, ExamplesError)
        self.compression = self._text.compression
        head = _head(self._text.lines())
        if not head:
            raise ExamplesError("the file holds no rows")
        self.format = detect_format(head, filename, named)
        self.line_end = "\r\n" if head[0][1].endswith("\r\n") else "\n"
        self.marked = bool(self._text.mark)
        """Whether the file begins with a byte-order mark."""

    @property
    def encoding(self) -> str | None:
        """What the text is written in; None where the format is no text."""
        return self._text.encoding

    def __iter__(self) -> Iterator[Record]:
        """Every row. Raises ExamplesError where one cannot be read, and when there is none."""
        empty = True
        for record in self.format.records(self._text.lines()):
            empty = False
            yield record
        if empty:
            raise ExamplesError("the file holds a header and no rows")


def _head(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """The first lines, from the first that is not blank."""
    head: list[tuple[int, str]] = []
    size = 0
    for number, text in lines:
        if head or text.strip():
            head.append((number, text))
            size += len(text)
        if size > _HEAD_CHARACTERS:
            break
    return head
