"""Cutting what is stored into chunks of one size, whatever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 1024 * 1024
Source = Path | BinaryIO | Iterable[bytes]


def cut(source: Source) -> Iterator[bytes]:
    """Cut any source into pieces of exactly `CHUNK` bytes, the last one shorter."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from cut(file)
        return
    if hasattr(source, "read"):
        while data := source.read(CHUNK):
            yield data
        return
    held = bytearray()
    for piece in source:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)
