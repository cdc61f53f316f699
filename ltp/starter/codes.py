"""Trained values as few bytes: int8 codes with a scale a block, or fp16 as they are; then zstd."""

from __future__ import annotations

from typing import Literal

import numpy as np
import zstandard
from numpy.typing import NDArray

from ltp.errors import CorruptArtifact

Coding = Literal["int8", "fp16"]
Values = NDArray[np.float16]
Bytes = NDArray[np.uint8]

BLOCK = 128
"""Values that share a scale: a quarter of a bit each."""
LARGEST_CODE = 63
"""Finer ones change no label that these do not, and zstd can make them no smaller: an eighth more bytes a bit."""
LEVEL = 19
"""Of zstd: a file is packed once, and unpacked at the same speed whatever the level."""


def quantised(values: Values) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes (K,) and the scale of each block of `BLOCK` (B,): a value is its code times its block's scale.

    The largest of a block is exact, and no other is off by more than half a scale.
    """
    exact = values.astype(np.float32)
    padded = np.pad(exact, (0, -len(exact) % BLOCK)).reshape(-1, BLOCK)  # (B, BLOCK)
    scales = np.abs(padded).max(1, initial=0) / np.float32(LARGEST_CODE)  # (B,)
    codes = np.rint(padded / np.where(scales, scales, 1)[:, None]).astype(np.int8)
    return codes.reshape(-1)[: len(values)], scales


def restored(codes: NDArray[np.int8], scales: NDArray[np.float32]) -> Values:
    """The values that codes stand for, (K,) fp16."""
    each = np.repeat(scales, BLOCK)[: len(codes)]
    return (codes.astype(np.float32) * each).astype(np.float16)


def blocks_of(count: int) -> int:
    """How many scales so many values have."""
    return -(-count // BLOCK)


def packed(values: NDArray[np.generic]) -> Bytes:
    """Compress values; of those of two bytes the low ones and the high ones apart, which are alike among themselves."""
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.dtype.itemsize)
    return np.frombuffer(zstandard.ZstdCompressor(level=LEVEL).compress(raw.T.tobytes()), np.uint8)


def unpacked(
    content: NDArray[np.generic], dtype: np.dtype[np.generic], count: int, *, what: str
) -> NDArray[np.generic]:
    """Restore exactly `count` values of `packed`; no more memory is taken than they need.

    Raises:
        CorruptArtifact: the bytes are not so many values.
    """
    size = count * dtype.itemsize
    try:
        if (told := zstandard.frame_content_size(content.tobytes())) != size:
            raise CorruptArtifact(f"{what} unpack to {told:,} bytes; their place is for {size:,}")
        plain = zstandard.ZstdDecompressor().decompress(content.tobytes(), max_output_size=size)
    except zstandard.ZstdError as error:
        raise CorruptArtifact(f"{what} cannot be unpacked: {error}") from error
    if len(plain) != size:
        raise CorruptArtifact(f"{what} unpack to {len(plain):,} bytes; their place is for {size:,}")
    planes = np.frombuffer(plain, np.uint8).reshape(dtype.itemsize, count)
    return np.ascontiguousarray(planes.T).view(dtype).reshape(count)
