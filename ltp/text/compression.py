"""Files compressed with gzip, bzip2 or xz, unpacked while they are read, and never without bound. Imports no torch."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO, Literal

from ltp.errors import TextFileError

Compression = Literal["gzip", "bzip2", "xz"]

_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
LARGEST_RATIO = 100
"""How many times its size a file may unpack to. Text becomes three to thirty times as long, a bomb a thousand times."""
SMALL = 64 * 2**20
"""Bytes to which any file may unpack: few rows that repeat themselves a lot are no bomb."""


def compression_of(start: bytes) -> Compression | None:
    """How a file that starts like this is compressed, if it is in a way that is read."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def unpacked(stream: BinaryIO, compression: Compression, error: type[TextFileError]) -> BinaryIO:
    """What is in a compressed file, as a stream; reading raises `error` when it is damaged or grows too much."""
    opened: BinaryIO = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[compression](stream, "rb")  # type: ignore[operator]
    most = max(SMALL, LARGEST_RATIO * stream.seek(0, io.SEEK_END))
    stream.seek(0)
    return io.BufferedReader(_Bounded(stream, opened, compression, most, error), 2**20)


class _Bounded(io.RawIOBase):
    """Counts what is unpacked."""

    def __init__(
        self, packed: BinaryIO, opened: BinaryIO, compression: Compression, most: int, error: type[TextFileError]
    ) -> None:
        self._packed, self._opened, self._compression = packed, opened, compression
        self._most, self._error, self._count = most, error, 0

    def readable(self) -> bool:
        """It is all that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next."""
        view = memoryview(buffer)
        try:
            data = self._opened.read(min(len(view), 2**20))
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as fault:
            raise self._error(
                f"the file is damaged: its {self._compression} data cannot be unpacked ({fault})"
            ) from fault
        self._count += len(data)
        if self._count > self._most:
            raise self._error(
                f"the file unpacks to more than {self._most // 2**20:,} MiB, {LARGEST_RATIO} times its size; unpack it"
                " yourself and send the text if it is meant to be that long"
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close both streams."""
        self._opened.close()
        self._packed.close()
        super().close()
