"""The lines of a text file: streamed, numbered from 1, refused by line and column. Imports no torch.

A line ends at LF; a CR before it belongs to the line end. Nothing else ends a line, so U+2028 or a form feed inside a
sentence (XNLI's files have such) stays where it is; only in a file that has no LF at its start, an old Macintosh's,
it is the CR. A byte-order mark at the start is dropped. UTF-16, UTF-32 and Windows-1252 become UTF-8 on the way, and
what is compressed is unpacked.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import itertools
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from ltp.errors import TextFileError
from ltp.text.compression import Compression, compression_of, unpacked
from ltp.text.encoding import Encoding, codec_of, encoding_named
from ltp.text.windows_1252 import Plausibility

MAX_LINE_BYTES = 50 * 2**20
"""A longer line is refused: no sentence is, and a file that lost its line ends must not fill the memory."""

HEAD_BYTES = 2**16
"""What is looked at to tell what a file is."""
_PIECE_BYTES = 2**17

Block = tuple[int, bytes]
"""The number of its first line, and whole lines of UTF-8 that are known to be text."""
Read = TypeVar("Read")

_FOREIGN = {
    b"PK\x03\x04": "is a spreadsheet or zip archive; export it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet; export it as CSV in UTF-8",
    b"PAR1": "is a Parquet file; export it as JSON lines",
    b"ARROW1": "is an Arrow file; export it as JSON lines",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it first",
    b"%PDF": "is a PDF document; save its text as UTF-8",
}


class TextFile:
    """A file of text, whatever it is written in, read from the start as often as asked."""

    def __init__(self, source: Callable[[], BinaryIO], error: type[TextFileError]) -> None:
        """Look at its start; `source` opens it. Raises `error` for what cannot be unpacked."""
        self._source, self._error = source, error
        with source() as stream:
            self.compression: Compression | None = compression_of(stream.read(8))
        with self.open() as stream:
            head = stream.read(HEAD_BYTES)
        self._codec, self.mark = codec_of(head)
        """The byte-order mark, empty when there is none."""
        carriage_return, line_feed = ("\r".encode(self._codec), "\n".encode(self._codec))
        self._old_mac = carriage_return in head and line_feed not in head
        self._start = head[:8]

    @property
    def encoding(self) -> Encoding:
        """What it is written in; Windows-1252 where that was seen while it was read."""
        return encoding_named(self._codec)

    def blocks(self) -> Iterator[Block]:
        """Yield the lines, some hundred thousand bytes of them at a time.

        Raises the error, naming line and column, for bytes that are no text, U+0000, a line over `MAX_LINE_BYTES`,
        and content that is recognisably something else than text.
        """
        return ((line, data) for line, data, _ in self.read_blocks(lambda _, __: None))

    def read_blocks(self, read: Callable[[int, bytes], Read | None]) -> Iterator[tuple[int, bytes, Read | None]]:
        """Yield the blocks with what `read` makes of each, so that bytes are decoded once; raises as `blocks` does.

        `read` sees bytes that may be no UTF-8: where it raises UnicodeDecodeError or returns None, the block is looked
        at as any other, and comes with None.
        """
        self._refuse_foreign()
        line, ascii_only = 1, True
        try:
            for line, data, made in self._read(self._blocks(), read):
                yield line, data, made
                line, ascii_only = line + data.count(b"\n"), ascii_only and data.isascii()
        except _NotUtf8 as fault:
            if not (ascii_only and self._is_windows_1252()):
                raise self._error(str(fault), line=fault.line, column=fault.column, fault="not_utf8") from fault
            yield from self._read(_from_line(line, self._blocks()), read)

    def _read(
        self, blocks: Iterator[Block], read: Callable[[int, bytes], Read | None]
    ) -> Iterator[tuple[int, bytes, Read | None]]:
        for line, data in blocks:
            made = None
            if b"\0" not in data:
                with contextlib.suppress(UnicodeDecodeError):
                    made = read(line, data)
            if made is not None:
                yield line, data, made
            else:
                yield from ((at, checked, None) for at, checked in self._checked(line, data))

    def _blocks(self) -> Iterator[Block]:
        line, rest = 1, b""
        for piece in self._pieces():
            data = rest + piece
            if len(data) > MAX_LINE_BYTES and not 0 <= data.find(b"\n") < MAX_LINE_BYTES:
                raise self._error(f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB", line=line, column=1)
            end = data.rfind(b"\n") + 1
            if end:
                yield line, data[:end]
                line += data.count(b"\n", 0, end)
            rest = data[end:]
        if rest:
            yield line, rest

    def _checked(self, line: int, data: bytes) -> Iterator[Block]:
        """The block, or its lines before the fault and then the fault."""
        fault, at = _fault(data)
        if at < 0:
            yield line, data
            return
        start = data.rfind(b"\n", 0, at) + 1
        if start:
            yield line, data[:start]
        line, column = line + data.count(b"\n", 0, at), len(data[start:at].decode()) + 1
        if fault:
            raise self._error(fault, line=line, column=column)
        raise _NotUtf8(data[at], line, column)

    def _is_windows_1252(self) -> bool:
        """Whether all of the file is; then it is read so from now on."""
        seen = Plausibility()
        try:
            with self.open() as stream:
                for line in stream:
                    seen.see(line.decode("cp1252"))
        except UnicodeDecodeError:
            return False
        if seen.holds:
            self._codec = "cp1252"
        return seen.holds

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Yield (line number, text with its line end, `\r\n` kept as it is). Raises as `blocks` does."""
        for number, data in self.blocks():
            yield from enumerate(map(bytes.decode, io.BytesIO(data)), number)

    def texts(self) -> Iterator[str]:
        """Yield the text piece by piece wherever its lines end, for what has none. Raises as `blocks` does."""
        self._refuse_foreign()
        length, ascii_only = 0, True
        try:
            for text in self._texts():
                yield text
                length, ascii_only = length + len(text), ascii_only and text.isascii()
        except _NotUtf8 as fault:
            if not (ascii_only and self._is_windows_1252()):
                raise self._error(str(fault), line=fault.line, column=fault.column, fault="not_utf8") from fault
            for text in self._texts():
                yield text[length:]
                length = max(0, length - len(text))

    def _texts(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        line, column = 1, 1
        for piece in itertools.chain(self._pieces(), [None]):
            held = decoder.getstate()[0]
            try:
                text = decoder.decode(piece or b"", piece is None)
            except UnicodeDecodeError as fault:
                before, byte = (held + (piece or b""))[: fault.start].decode(), fault.object[fault.start]
                raise _NotUtf8(byte, *_moved(line, column, before)) from fault
            if (nul := text.find("\0")) >= 0:
                line, column = _moved(line, column, text[:nul])
                raise self._error("the character U+0000 is not text; remove it", line=line, column=column)
            line, column = _moved(line, column, text)
            yield text

    def open(self) -> BinaryIO:
        """Its bytes from the start, unpacked."""
        stream = self._source()
        return unpacked(stream, self.compression, self._error) if self.compression else stream

    def _refuse_foreign(self) -> None:
        if self._codec == "utf-8" and self._start[:4].count(0) >= 2:
            raise self._error("the file looks like UTF-16; save it as UTF-8", line=1, column=1, fault="not_utf8")
        if self.compression and (again := compression_of(self._start)):
            raise self._error(f"the file is compressed twice, with {again} within {self.compression}; unpack it once")
        for magic, words in _FOREIGN.items():
            if self._start.startswith(magic):
                raise self._error(f"the file {words}", line=1, column=1, fault="not_a_table")

    def _pieces(self) -> Iterator[bytes]:
        """The file in pieces of UTF-8 as far as its bytes are that, without its mark."""
        with self.open() as stream:
            stream.read(len(self.mark))
            first = stream.read(HEAD_BYTES)
            pieces = iter(lambda: stream.read(_PIECE_BYTES), b"")
            read = itertools.chain([first], pieces) if self._codec == "utf-8" else self._decoded(first, pieces)
            for piece in read:
                yield piece.replace(b"\r", b"\n") if self._old_mac else piece

    def _decoded(self, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._codec)("surrogatepass")
        line = 1
        for piece in itertools.chain([first], pieces, [None]):
            try:
                text = decoder.decode(piece or b"", piece is None)
            except UnicodeDecodeError as fault:
                what = f"what follows is no {self.encoding.upper()} text; save the file as UTF-8"
                raise self._error(what, line=line, column=1) from fault
            line += text.count("\n")
            yield text.encode("utf-8", "surrogatepass")


class _NotUtf8(Exception):
    """Bytes that are not UTF-8, and where."""

    def __init__(self, byte: int, line: int, column: int) -> None:
        super().__init__(f"byte 0x{byte:02X} is not UTF-8; save the file as UTF-8")
        self.line, self.column = line, column


def _moved(line: int, column: int, text: str) -> tuple[int, int]:
    """The place behind a text that starts at a place."""
    lines = text.count("\n")
    return line + lines, len(text) - text.rfind("\n") if lines else column + len(text)


def _fault(data: bytes) -> tuple[str, int]:
    """What is wrong with a block, empty when it is not UTF-8, and where; -1 when it is text."""
    at = -1
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as fault:
            at = fault.start
    nul = data.find(b"\0", 0, len(data) if at < 0 else at)
    return ("the character U+0000 is not text; remove it", nul) if nul >= 0 else ("", at)


def _from_line(first: int, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks without the lines before `first`."""
    for line, data in blocks:
        if line >= first:
            yield line, data
        elif line + data.count(b"\n") > first:
            yield first, b"".join(io.BytesIO(data).readlines()[first - line :])
