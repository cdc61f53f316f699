"""Many rows of cells at a time: the fast way through a block of text whose quotes are all where they belong.

Python's csv module looks at every character; here numpy finds delimiters, line ends and quotes, and the cells fall
apart in one go. What is not plainly right is left to `Dialect.rows`, which knows every rule and says what is wrong.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUOTE, _LF, _CR = 34, 10, 13
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Cells:
    """The whole rows at the start of a block."""

    length: int
    """Bytes of the block that they are."""
    cells: list[str]
    ends: list[int]
    """Where in `cells` each row ends."""
    starts: list[int]
    """Where in the block each row starts, and at last where they end."""
    lines: list[int]
    """Line ends in the block before each row."""

    def rows(self, width: int) -> Iterator[tuple[int, int, int, Sequence[str]]]:
        """Yield (line ends before it, where it starts, where it ends, cells) of each row that is not blank.

        It is fastest where all rows have `width` cells.
        """
        for line, start, end, cells in zip(self.lines, self.starts, self.starts[1:], self._by_row(width), strict=False):
            if cells[0].strip() or any(map(str.strip, cells)):
                yield line, start, end, cells

    def _by_row(self, width: int) -> Iterator[Sequence[str]]:
        if self.ends == list(range(width, len(self.cells), width)):
            return zip(*[iter(self.cells)] * width, strict=False)
        return (self.cells[begin:end] for begin, end in itertools.pairwise([0, *self.ends]))


def quick_cells(data: bytes, delimiter: str, *, quoted: bool) -> Cells | None:
    """Cut whole lines into cells; None where that takes a closer look. Raises UnicodeDecodeError."""
    if (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")) or (not quoted and b'""' in data):
        return None
    text = np.frombuffer(data, np.uint8)
    at = np.flatnonzero((text == ord(delimiter)) | (text == _LF))
    drop = np.zeros(0, np.int64)
    if quoted and b'"' in data:
        quotes = np.flatnonzero(text == _QUOTE)
        at = at[np.searchsorted(quotes, at) % 2 == 0]  # behind as many closing quotes as opening ones
        found = _quotes(text, quotes, at, delimiter)
        if found is None:
            return None
        length, drop = found
        text, at = text[:length], at[at < length]
    return _cut(data, text, at, drop)


def _quotes(text: Bytes, quotes: Places, at: Places, delimiter: str) -> tuple[int, Places] | None:
    """How far the rows go that end in the block, and which of the quotes there are no characters of a cell."""
    ends = at[text[at] == _LF]
    if not len(ends):
        return None
    length = int(ends[-1]) + 1
    quotes = quotes[quotes < length]
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, text[opening - 1], _LF)
    behind = text[closing + 1]
    doubled = before == _QUOTE
    right_before = doubled | (before == ord(delimiter)) | (before == _LF)
    right_behind = (behind == _QUOTE) | (behind == ord(delimiter)) | (behind == _LF) | (behind == _CR)
    if not (right_before.all() and right_behind.all()):
        return None
    return length, np.concatenate([closing, opening[~doubled]])


def _cut(data: bytes, text: Bytes, at: Places, drop: Places) -> Cells | None:
    if len(at) and max(int(at[0]), int(np.diff(at, prepend=0).max())) > csv.field_size_limit():
        return None
    is_end = text[at] == _LF
    ends = at[is_end]
    parted = text.copy()
    parted[at] = 0  # which no text holds
    if b"\r" in data:
        behind = ends[(ends > 0) & (text[ends - 1] == _CR)]
        drop = np.concatenate([drop, behind - 1])
    if len(drop):
        keep = np.ones(len(parted), bool)
        keep[drop] = False
        parted = parted[keep]
    starts = np.concatenate([[0], ends + 1])
    line_ends = np.flatnonzero(text == _LF)
    lines = np.searchsorted(line_ends, starts)
    cells = parted.tobytes().decode().split("\0")
    return Cells(len(text), cells, (np.flatnonzero(is_end) + 1).tolist(), starts.tolist(), lines.tolist())
