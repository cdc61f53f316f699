"""Whether stored values are finite numbers up to some magnitude, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ltp.tensorfile import BLOCK, Array, Stored


def within(values: Array | Stored, largest: float) -> bool:
    """Tell whether no value, fp16 or fp32, is NaN or of a magnitude beyond `largest`."""
    return all(_largest(block) <= largest for block in _blocks(values))


def _blocks(values: Array | Stored) -> Iterable[Array]:
    """The values a piece at a time, since testing them all for finiteness at once takes memory."""
    if isinstance(values, Stored):
        return values.blocks()
    return np.array_split(values.reshape(-1), 1 + values.nbytes // BLOCK)


def _largest(values: Array) -> float:
    """The largest magnitude; NaN if there is one. Bits without the sign order as magnitudes do, NaN above infinity."""
    if values.dtype.itemsize == 2:
        return float((values.view(np.uint16) & np.uint16(0x7FFF)).max(initial=0).view(np.float16))
    return float((values.view(np.uint32) & np.uint32(0x7FFFFFFF)).max(initial=0).view(np.float32))
