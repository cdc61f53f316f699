"""Safetensors files as streams of numpy arrays, and the checksum every artefact carries. Imports no torch.

A header is read, bounded and checked before a byte of the data is touched or a buffer is allocated. Files written here
name the SHA-256 of their data section in the metadata (`data_sha256`), so that a flipped bit is refused on reading.
What is large and only passes through can be left in its file: `Stored`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ltp import atomic_file, strict_json
from ltp.errors import CorruptArtifact

T = TypeVar("T")
Array = NDArray[np.generic]
Content = NDArray[np.uint8]
"""A whole file in memory."""

BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "F16": 2, "BF16": 2, "I32": 4, "F32": 4, "I64": 8, "F64": 8}
"""Element sizes of the dtypes this project reads."""
DTYPES = {"U8": "u1", "I8": "i1", "F16": "<f2", "F32": "<f4", "I32": "<i4", "I64": "<i8"}
"""The dtypes this project writes, as numpy's; little endian on every machine."""
MAX_HEADER = 16 << 20
"""Bytes; an adapter of the largest XLM-R with the notes of a hundred seeds needs a third of it."""
MAX_NESTED = 200_000
"""Lists and objects in a header, which take thirty times their size once they are parsed."""
MAX_DIMENSIONS, LARGEST = 8, strict_json.LARGEST
"""Of a shape: more, or larger ones, fit into no file, and their product alone could keep a processor busy."""
CHUNK = 8 << 20
BLOCK = 1 << 20
"""Bytes of a tensor left in its file that are in memory at a time."""


@dataclass(frozen=True)
class Entry:
    """One tensor of a file: its dtype (safetensors' name), shape, and byte range from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a file says it holds, in the order of its bytes."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    data_start: int


@dataclass(frozen=True)
class Stored:
    """A tensor that stays in its file."""

    path: Path
    entry: Entry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of its elements."""
        return np.dtype(DTYPES[self.entry.dtype])

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.entry.shape

    @property
    def nbytes(self) -> int:
        """Its size in the file."""
        return self.entry.stop - self.entry.start

    def blocks(self) -> Iterator[Array]:
        """Its elements in order, flat, `BLOCK` bytes at a time; a block is good until the next one is asked for."""
        buffer = np.empty(min(BLOCK, self.nbytes), "u1")
        with self.path.open("rb") as file:
            file.seek(self.entry.start)
            for start in range(0, self.nbytes, BLOCK):
                block = buffer[: min(BLOCK, self.nbytes - start)]
                if file.readinto(block.data) != len(block):
                    raise CorruptArtifact(f"{self.path.name} became shorter while it was read")
                yield block.view(self.dtype)

    def mapped(self) -> Array:
        """The tensor as a view of its file, whose pages the system reads and drops as needed."""
        if not self.nbytes:
            return np.empty(self.shape, self.dtype)
        return np.memmap(self.path, self.dtype, "r", self.entry.start, self.shape)


def read_header(path: Path) -> Header:
    """Parse and check the header: known dtypes, sizes that agree with shapes, no gap, no overlap, no missing byte.

    Raises:
        CorruptArtifact: the file is not a whole safetensors file.
    """
    with path.open("rb") as file:
        return _header(path.name, file, path.stat().st_size)


def _header(name: str, file: BinaryIO, size: int) -> Header:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, MAX_HEADER):
        raise CorruptArtifact(f"{name} is not a safetensors file, or its header is truncated")
    raw = file.read(length)
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTED:
        raise CorruptArtifact(f"{name} has a header of more than {MAX_NESTED:,} lists and objects")
    try:
        parsed = _object(strict_json.tree(raw))
        metadata = {key: _text(key, value) for key, value in _object(parsed.pop("__metadata__", {})).items()}
        entries = {tensor: _entry(_object(fields), 8 + length) for tensor, fields in parsed.items()}
    except (ValueError, KeyError) as error:
        raise CorruptArtifact(f"{name} has an unreadable safetensors header: {error!s:.300}") from error
    _check_ranges(name, entries, 8 + length, size)
    return Header(dict(sorted(entries.items(), key=lambda item: item[1].start)), metadata, 8 + length)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} where an object is expected")
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its metadata {key!r:.100} is {value!r:.40}; the format knows texts only")
    return value


def _entry(fields: dict[str, object], data_start: int) -> Entry:
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES or not isinstance(shape, list) or not isinstance(offsets, list):
        raise ValueError(f"unknown dtype or layout {dtype!r:.40}")
    if len(shape) > MAX_DIMENSIONS or len(offsets) != 2:
        raise ValueError(f"a shape of {len(shape)} dimensions, or {len(offsets)} offsets")
    if any(type(number) is not int or not 0 <= number < LARGEST for number in [*shape, *offsets]):
        raise ValueError(f"a shape or an offset is not a whole number from 0 to {LARGEST}")
    start, stop = offsets
    if stop - start != BYTES[str(dtype)] * prod(shape):
        raise ValueError(f"{stop - start} bytes cannot hold shape {shape} of {dtype}")
    return Entry(str(dtype), tuple(shape), data_start + start, data_start + stop)


def _check_ranges(name: str, entries: Mapping[str, Entry], data_start: int, size: int) -> None:
    end = data_start
    for tensor, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise CorruptArtifact(f"{name}: the bytes of {tensor:.100} overlap another tensor's or leave a gap")
        end = entry.stop
    if end != size:
        raise CorruptArtifact(f"{name} is truncated or too long: its header describes {end} bytes, it has {size}")


def write(path: Path, tensors: Mapping[str, Array | Stored], metadata: Mapping[str, str]) -> str:
    """Write `tensors` in the order given; a reader sees all of the file or none.

    Returns the SHA-256 of the data section, which the metadata carries as `data_sha256`.
    """
    arrays = {name: array if isinstance(array, Stored) else _little_endian(array) for name, array in tensors.items()}
    digest = hashlib.sha256()
    for array in arrays.values():
        for block in _bytes_of(array):
            digest.update(block)
    header = header_bytes(arrays, {**metadata, "data_sha256": digest.hexdigest()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file.new_content(path) as file:
        file.write(header)
        for array in arrays.values():
            file.writelines(_bytes_of(array))
    return digest.hexdigest()


def _bytes_of(array: Array | Stored) -> Iterator[memoryview]:
    if isinstance(array, Stored):
        yield from (block.data.cast("B") for block in array.blocks())
    elif array.size:
        yield array.data.cast("B")


def _little_endian(array: Array) -> Array:
    if array.dtype.newbyteorder("<").str.replace("|", "") not in DTYPES.values():
        raise TypeError(f"{array.dtype} is not a dtype of our files")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


class Sized(Protocol):
    """What a header says of a tensor."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def nbytes(self) -> int:
        """Its size in the file."""


def header_bytes(arrays: Mapping[str, Sized], metadata: Mapping[str, str]) -> bytes:
    """Write the beginning of a file of tensors in the order given."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, array in arrays.items():
        dtype = names[array.dtype.str.replace("|", "")]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)  # the format aligns the data section to 8 bytes
    return len(text).to_bytes(8, "little") + text


def read(path: Path, *, check: Callable[[Header], T]) -> tuple[dict[str, Array], T]:
    """Read a file written by `write`; return its tensors, and what `check` made of its header.

    `check` sees the header before anything is read or allocated, and raises when it asks for what cannot be.

    Raises:
        CorruptArtifact: the file is damaged: its data section is not the one its metadata names.
    """
    tensors: dict[str, Array] = {}
    digest = hashlib.sha256()
    header, stored, checked = _unread(path, check)
    for name, tensor in stored.items():
        tensors[name] = np.empty(tensor.shape, tensor.dtype)
        if tensor.nbytes:
            with path.open("rb") as file:
                file.seek(tensor.entry.start)
                file.readinto(tensors[name].data.cast("B"))
            digest.update(tensors[name].data.cast("B"))
    _compare(path.name, digest.hexdigest(), header.metadata)
    return tensors, checked


def parse(name: str, content: Content, *, check: Callable[[Header], T]) -> tuple[dict[str, Array], T]:
    """As `read`, of a file that is in memory: its tensors are views of it where their alignment allows that."""
    longest = 8 + min(int.from_bytes(content[:8].tobytes(), "little"), MAX_HEADER)
    header = _header(name, BytesIO(content[:longest].data), len(content))
    checked = check(header)
    _check_dtypes(name, header)
    _compare(name, hashlib.sha256(content[header.data_start :].data).hexdigest(), header.metadata)
    tensors = {}
    for tensor, entry in header.entries.items():
        dtype, raw = np.dtype(DTYPES[entry.dtype]), content[entry.start : entry.stop]
        aligned = raw if raw.ctypes.data % dtype.itemsize == 0 else raw.copy()
        tensors[tensor] = aligned.view(dtype).reshape(entry.shape)
    return tensors, checked


def open_verified(path: Path, *, check: Callable[[Header], T]) -> tuple[dict[str, Stored], T]:
    """As `read`, with the tensors left in the file, which must not change once it is verified."""
    digest = hashlib.sha256()
    header, stored, checked = _unread(path, check)
    for tensor in stored.values():
        for block in _bytes_of(tensor):
            digest.update(block)
    _compare(path.name, digest.hexdigest(), header.metadata)
    return stored, checked


def _unread(path: Path, check: Callable[[Header], T]) -> tuple[Header, dict[str, Stored], T]:
    """Return a file's header, its tensors still in the file, and what `check` made of the header."""
    header = read_header(path)
    checked = check(header)
    _check_dtypes(path.name, header)
    return header, {name: Stored(path, entry) for name, entry in header.entries.items()}, checked


def _check_dtypes(file: str, header: Header) -> None:
    for name, entry in header.entries.items():
        if entry.dtype not in DTYPES:
            raise CorruptArtifact(f"{file}: {name} is {entry.dtype}, which no artefact uses")


def _compare(file: str, sha256: str, metadata: Mapping[str, str]) -> None:
    if sha256 != metadata.get("data_sha256"):
        raise CorruptArtifact(f"{file} is damaged: its data has SHA-256 {sha256}, not the one it names")


def file_sha256(path: Path) -> str:
    """Hash a file of any size in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
