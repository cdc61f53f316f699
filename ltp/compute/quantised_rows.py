"""Rows of fp32 as bytes, each row by a scale of its own, so that a row's bytes never depend on the rows beside it.

A byte b of a row, from 0 to `top`, stands for (b - `zero`) x the row's scale, the least at which the whole row fits.
Compiled by numba when it is first needed; two passes over a row that is still in the core's cache.

Dimensions: N rows, I their width.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.compute.threads import parallel_map

TOP, MIDDLE = 255, 128
"""The greatest byte, and the `zero` of rows that are as far below zero as above."""
LEAST = 1e-30
"""The scale of a row of zeros, and of any that is smaller still: its reciprocal is a number."""
BLOCK = 1 << 17
"""Elements that a thread takes at a time."""
INFINITE = 0x7F800000
"""fp32's bits from which on a number is not finite."""
Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]
"""Rows, columns, bytes and scales."""


class Quantise(Protocol):
    """Fill rows `start` to `stop` of `out`, and their `scales`: NaN for a row that is not finite throughout."""

    def __call__(
        self,
        rows: NDArray[np.float32],
        columns: NDArray[np.float32],
        out: NDArray[np.uint8],
        scales: NDArray[np.float32],
        zero: int,
        top: int,
        start: int,
        stop: int,
    ) -> None:
        """Run it. `columns` (I,) multiply each row before anything else."""


def quantised_rows(rows: Tensor, columns: Tensor, zero: int = MIDDLE, top: int = TOP) -> tuple[Tensor, Tensor]:
    """Return `rows` (N, I) x `columns` (I,) as bytes (N, I), and the rows' scales (N,): NaN where a row is not finite.

    `rows` and `columns` are fp32 on a CPU, `columns` finite and contiguous; 0 < `zero` < `top` < 256.
    """
    rows = rows.contiguous()
    out, scales = torch.empty(rows.shape, dtype=torch.uint8), torch.empty(len(rows))
    arrays = rows.numpy(), columns.numpy(), out.numpy(), scales.numpy()
    many = max(1, BLOCK // rows.shape[1])
    run = partial(_block, compiled(), arrays, zero, top)
    parallel_map(run, [(start, min(start + many, len(rows))) for start in range(0, len(rows), many)])
    return out, scales


def _block(quantise: Quantise, arrays: Arrays, zero: int, top: int, stretch: tuple[int, int]) -> None:
    start, stop = stretch
    quantise(*arrays, zero, top, start, stop)


@cache
def compiled() -> Quantise:
    """Compile the loop, once a process: about a quarter of a second."""
    from numba import njit
    from numba import types as t

    from ltp.compute import llvm

    bits_of, number_of = llvm.bits_of_float, llvm.float_of_bits
    sign, infinite = np.int32(-(1 << 31)), np.int32(INFINITE)
    one, least, half = np.float32(1), np.float32(LEAST), np.float32(0.5)

    def row_by_row(rows, columns, out, scales, zero, top, start, stop):  # type: ignore[no-untyped-def]
        width = rows.shape[1]
        below, above = np.float32(zero), np.float32(top - zero)
        for r in range(start, stop):
            row, filled = rows[r], out[r]
            highest, lowest = np.int32(0), np.int32(0)
            for i in range(width):
                bits = bits_of(row[i] * columns[i])
                highest, lowest = max(highest, bits), max(lowest, bits ^ sign)
            finite = highest < infinite and lowest < infinite
            scale = max(number_of(highest) / above, number_of(lowest) / below, least)
            scales[r] = scale if finite else np.float32(np.nan)
            factor = one / scale if finite else np.float32(0)
            for i in range(width):
                filled[i] = np.uint8(np.int32((row[i] * columns[i]) * factor + below + half))

    def read() -> Any:
        return t.Array(t.float32, 2, "C", readonly=True), t.Array(t.float32, 1, "C", readonly=True)

    signature = t.void(*read(), t.uint8[:, ::1], t.float32[::1], t.int64, t.int64, t.int64, t.int64)
    made: Quantise = njit(signature, nogil=True)(row_by_row)
    return made
