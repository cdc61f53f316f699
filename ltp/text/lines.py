"""The lines of a UTF-8 text file: streamed, numbered from 1, refused by line and column. Imports no torch.

A line ends at LF; a CR before it belongs to the line end. Nothing else ends a line, so U+2028 or a form feed inside a
sentence (XNLI's files have such) stays where it is. A byte-order mark at the start is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ltp.errors import TextFileError

MAX_LINE_BYTES = 50 * 2**20
"""A longer line is refused: no sentence is, and a file that lost its line ends must not fill the memory."""

BOM = b"\xef\xbb\xbf"

_FOREIGN = {
    b"\xff\xfe": "is UTF-16 (a spreadsheet's 'Unicode text'); save it as UTF-8",
    b"\xfe\xff": "is UTF-16 (a spreadsheet's 'Unicode text'); save it as UTF-8",
    b"PK\x03\x04": "is a spreadsheet or zip archive; export it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet; export it as CSV in UTF-8",
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"PAR1": "is a Parquet file; export it as JSON lines",
}


def numbered_lines(stream: BinaryIO, error: type[TextFileError]) -> Iterator[tuple[int, str]]:
    r"""Yield (line number, text with its line end, `\r\n` kept as it is) from the start of `stream`.

    Raises `error`, naming line and column, for bytes that are not UTF-8, U+0000, a line over `MAX_LINE_BYTES`,
    and content that is recognisably something else than text.
    """
    number = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            _refuse_foreign(data, error)
            data = data.removeprefix(BOM)
        if len(data) > MAX_LINE_BYTES:
            raise error(f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB", line=number, column=1)
        yield number, _decode(data, number, error)


def _refuse_foreign(start: bytes, error: type[TextFileError]) -> None:
    if start[:4].count(0) == 2:
        raise error("the file looks like UTF-16; save it as UTF-8", line=1, column=1)
    for magic, words in _FOREIGN.items():
        if start.startswith(magic):
            raise error(f"the file {words}", line=1, column=1)


def _decode(data: bytes, number: int, error: type[TextFileError]) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        column = len(data[: fault.start].decode("utf-8")) + 1
        raise error(
            f"byte 0x{data[fault.start]:02X} is not UTF-8; save the file as UTF-8", line=number, column=column
        ) from fault
    if (nul := text.find("\0")) >= 0:
        raise error("the character U+0000 is not text; remove it", line=number, column=nul + 1)
    return text
