"""A folder as a zip archive that is made while it is sent: nothing of it is in memory, and nothing on disk twice.

What is in it is stored as it is, since weights hardly get smaller; a receiver sees by the directory at the archive's
end that it has all of it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

BLOCK = 1 << 20
ZIP = "application/zip"


class _Sink(RawIOBase):
    """What a zip file is written to, piece by piece; it cannot go back."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, piece: bytes | memoryview, /) -> int:  # type: ignore[override]  # zipfile writes no others
        """Keep a piece until it is taken."""
        view = memoryview(piece).cast("B")
        self._pieces += view
        return len(view)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._pieces)
        self._pieces.clear()
        return taken


def zipped(folder: Path, *, name: str) -> Iterator[bytes]:
    """The archive, in pieces of about a mebibyte; its files lie in a folder called `name`, which is new wherever."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo.from_file(path, f"{name}/{path.name}")
            with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as into:
                while block := file.read(BLOCK):
                    into.write(block)
                    yield sink.take()
    yield sink.take()
