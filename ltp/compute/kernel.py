"""The loop that adds values, packed without gaps, where the bits of a mask are set; torch has no operation for it.

Values may be int8 codes of which each `SCALED` share a scale: they are decoded in registers, on the way.

Compiled by numba when it is first needed (about a quarter of a second for each pair of types), and run outside the
interpreter's lock. A processor that can expand a packed vector by a mask (AVX-512 VBMI2) takes sixteen weights at a
time, which is as fast as copying them; any other takes them one by one without a branch.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

LANES = 16
BLOCK = 1 << 20
"""Weights between two counts of set bits: where threads may begin. A multiple of LANES and of eight."""
SCALED_BITS = 6
SCALED = 1 << SCALED_BITS
"""Codes that share a scale; sixteen in a row are of two scales at most."""
SPARE_SCALES = 2
"""Zeros behind the scales, since the loop looks ahead."""
Stored = Literal["int8", "fp16", "fp32"]
"""What values are."""


class Add(Protocol):
    """Fill `out[start:stop]` with `base` plus, at each set bit, the next of `values` (from number `first`) x its scale.

    `out` is fp32, or the 16 bits of bf16 (rounded once, to nearest even); `values` fp32, or the 16 bits of fp16, all of
    them with one scale, or int8 codes with theirs and `SPARE_SCALES` more. `bits` is packed eight a byte, little bit
    order. `start` is a multiple of LANES. Nothing is checked.
    """

    def __call__(
        self,
        out: NDArray[Any],
        base: NDArray[np.float32],
        values: NDArray[Any],
        scales: NDArray[np.float32],
        bits: NDArray[np.uint8],
        start: int,
        stop: int,
        first: int,
    ) -> None:
        """Run it."""


class Types(NamedTuple):
    """What a kernel reads and writes; `wide` takes LANES weights at a time."""

    stored: Stored
    bf16_out: bool
    wide: bool


@cache
def has_vector_expand() -> bool:
    """Tell whether this processor expands 16-bit values by a mask in one instruction."""
    from llvmlite import binding

    return bool(binding.get_host_cpu_features().get("avx512vbmi2"))


@cache
def compile_masked_add(types: Types) -> Add:
    """Compile the loop for some types, once a process."""
    from numba import njit
    from numba import types as t

    from ltp.compute import llvm

    codes, half = types.stored == "int8", types.stored == "fp16"
    decode = {"int8": llvm.code_to_float, "fp16": llvm.half_to_float, "fp32": llvm.as_it_is}[types.stored]
    scale_at = njit(_scale_of_block if codes else _only_scale)
    encode = llvm.float_to_bf16 if types.bf16_out else llvm.as_it_is
    add_lanes = llvm.add_lanes(LANES, stored=types.stored, bf16_out=types.bf16_out)
    count = llvm.count_bits

    def one_by_one(out, base, values, scales, bits, start, stop, first):  # type: ignore[no-untyped-def]
        place, last, scale = first, len(values) - 1, scales[0]
        for i in range(start, stop):
            active = (bits[i >> 3] >> (i & 7)) & 1
            at = min(place, last)
            changed = base[i] + decode(values[at]) * scale_at(scales, scale, at)
            out[i] = encode(changed if active else base[i])
            place += active

    rest = njit(nogil=True)(one_by_one)

    def lane_by_lane(out, base, values, scales, bits, start, stop, first):  # type: ignore[no-untyped-def]
        place, whole, scale = first, stop - (stop - start) % LANES, scales[0]
        for i in range(start, whole, LANES):
            mask = np.uint16(np.uint16(bits[i >> 3]) | np.uint16(np.uint16(bits[(i >> 3) + 1]) << 8))
            here, next_one = scale_at(scales, scale, place), scale_at(scales, scale, place + SCALED)
            add_lanes(out, base, values, here, next_one, SCALED - (place & (SCALED - 1)), mask, i, place)
            place += count(mask)
        rest(out, base, values, scales, bits, whole, stop, place)

    def read(kind: Any) -> Any:
        return t.Array(kind, 1, "C", readonly=True, aligned=False)

    out = t.uint16[::1] if types.bf16_out else t.float32[::1]
    values = read(t.int8 if codes else t.uint16 if half else t.float32)
    signature = t.void(out, read(t.float32), values, read(t.float32), read(t.uint8), t.int64, t.int64, t.int64)
    compiled: Add = njit(signature, nogil=True)(lane_by_lane if types.wide else one_by_one)
    return compiled


def _only_scale(_scales, scale, _place):  # type: ignore[no-untyped-def]
    return scale


def _scale_of_block(scales, _scale, place):  # type: ignore[no-untyped-def]
    return scales[place >> SCALED_BITS]


def bits_before(bits: NDArray[np.uint8]) -> list[int]:
    """Count the bits set before each block of BLOCK weights, and before the end."""
    size = BLOCK // 8
    return [0, *accumulate(bits_set(bits[at : at + size]) for at in range(0, len(bits), size))]


def bits_set(bits: NDArray[np.uint8]) -> int:
    """Count the bits set, eight bytes at a time."""
    whole = len(bits) // 8 * 8
    words, rest = bits[:whole].view(np.uint64), bits[whole:]
    return sum(int(np.bitwise_count(some).sum(dtype=np.int64)) for some in (words, rest))
