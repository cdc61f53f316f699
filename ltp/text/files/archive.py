"""Zip archives, which spreadsheets are too: what is in one, and whether it unpacks to more than it should.

The sizes that an archive states may be lies, so every part is unpacked once, piece by piece, and counted.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import BinaryIO

from ltp.errors import ExamplesError
from ltp.text.compression import LARGEST_RATIO, SMALL

_PIECE = 2**16


def members(stream: BinaryIO) -> list[str]:
    """The names of the files in an archive. Raises ExamplesError when it is damaged, encrypted or a bomb."""
    size = stream.seek(0, io.SEEK_END)
    most = limit = max(SMALL, LARGEST_RATIO * size)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as fault:
        raise _damaged(fault) from fault
    for entry in entries:
        if entry.flag_bits & 1:
            raise ExamplesError("the file is protected by a password; save it without one", fault="not_a_table")
        most -= _unpacked_size(stream, entry, most)
        if most < 0:
            raise ExamplesError(
                f"the file unpacks to more than {limit // 2**20:,} MiB, {LARGEST_RATIO} times its size;"
                " export it as CSV if it is meant to be that long"
            )
    return [entry.filename for entry in entries]


def _unpacked_size(stream: BinaryIO, entry: zipfile.ZipInfo, most: int) -> int:
    """How many bytes a part unpacks to, or somewhat more than `most`."""
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return entry.compress_size
    stream.seek(entry.header_offset)
    header = stream.read(30)
    stream.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)
    inflate, size = zlib.decompressobj(-15), 0
    try:
        while not inflate.eof and size <= most:
            packed = inflate.unconsumed_tail or stream.read(_PIECE)
            if not packed:
                break
            size += len(inflate.decompress(packed, 2**20))
    except zlib.error as fault:
        raise _damaged(fault) from fault
    return size


def _damaged(why: Exception) -> ExamplesError:
    words = f"the file is a damaged spreadsheet or zip archive ({why}); save it once more"
    return ExamplesError(words, fault="not_a_table")
