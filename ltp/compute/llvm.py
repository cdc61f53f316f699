"""Operations that numba lacks, written for LLVM: fp16 and bf16 numbers, scaled codes, expanding a vector by a mask.

Imported by `ltp.compute.kernel` and `ltp.compute.quantised_rows` alone, when they compile. `values` and `out` are
arrays of numba's, one dimension, contiguous.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BIT, I8, I16, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)
HALF, FLOAT = ir.HalfType(), ir.FloatType()
HALFWAY = 0x7FFF
"""With the last kept bit added: what rounds 16 dropped bits to nearest even."""


def _half_to_float(_context: Any, _bits: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fpext(builder.bitcast(arguments[0], HALF), FLOAT)

    return types.float32(types.uint16), lower


def _float_to_bf16(_context: Any, _number: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _rounded(builder, arguments[0], I32, I16)

    return types.uint16(types.float32), lower


def _bits_of_float(_context: Any, _number: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], I32)

    return types.int32(types.float32), lower


def _float_of_bits(_context: Any, _bits: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], FLOAT)

    return types.float32(types.int32), lower


def _count_bits(_context: Any, _mask: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.ctpop(arguments[0]), I64)

    return types.int64(types.uint16), lower


def _as_it_is(number: Any) -> Any:
    return number


def _code_to_float(_context: Any, _code: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.sitofp(arguments[0], FLOAT)

    return types.float32(types.int8), lower


half_to_float: Any = intrinsic(_half_to_float)
"""fp16's bits as fp32, exactly."""
float_to_bf16: Any = intrinsic(_float_to_bf16)
"""fp32 rounded to bf16's bits; numbers only, no NaN."""
bits_of_float: Any = intrinsic(_bits_of_float)
"""fp32's bits, which order numbers above zero as they are ordered; a vector's greatest is found so."""
float_of_bits: Any = intrinsic(_float_of_bits)
"""The fp32 that has these bits."""
count_bits: Any = intrinsic(_count_bits)
"""Bits set in 16."""
as_it_is: Any = njit(_as_it_is)
"""A number that needs no conversion."""
code_to_float: Any = intrinsic(_code_to_float)
"""An int8 code as fp32, exactly."""


def add_lanes(lanes: int, *, stored: str, bf16_out: bool) -> Any:
    """Make `add_lanes(out, base, values, scale, next_scale, left, mask, i, place)`.

    It does `lanes` weights from `i` with values from `place`, of which the first `left` have `scale`, others the next.
    """
    floats, words, shorts = (ir.VectorType(kind, lanes) for kind in (FLOAT, I32, I16))
    packed = _Packed(lanes, stored)

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, base, values, scale, next_scale, left, mask, i, place = arguments

        def at(number: int, array: Any, index: Any) -> Any:
            return builder.gep(context.make_array(signature.args[number])(context, builder, array).data, [index])

        active = builder.bitcast(mask, packed.flags)
        scales = _every(builder, scale, floats, words)
        if stored == "int8":
            others = _every(builder, next_scale, floats, words)
            scales = builder.select(packed.among_first(builder, active, left), scales, others)
        pristine = builder.load(builder.bitcast(at(1, base, i), floats.as_pointer()), align=4)
        changes = builder.fmul(packed.decoded(builder, active, at(2, values, place)), scales)
        fused = builder.select(active, builder.fadd(pristine, changes), pristine)
        if bf16_out:
            fused = _rounded(builder, fused, words, shorts)
        builder.store(fused, builder.bitcast(at(0, out, i), fused.type.as_pointer()), align=2 if bf16_out else 4)
        return context.get_dummy_value()

    def typed(
        _context: Any,
        out: Any,
        base: Any,
        values: Any,
        scale: Any,
        next_scale: Any,
        left: Any,
        mask: Any,
        i: Any,
        place: Any,
    ) -> Any:
        return types.void(out, base, values, scale, next_scale, left, mask, i, place), lower

    return intrinsic(typed)


class _Packed:
    """Values without gaps, expanded into the lanes that are active."""

    def __init__(self, lanes: int, stored: str) -> None:
        self._stored, self._lanes = stored, lanes
        self.flags, self._bytes = ir.VectorType(BIT, lanes), ir.VectorType(I8, lanes)
        self._halves, self._floats = ir.VectorType(HALF, lanes), ir.VectorType(FLOAT, lanes)
        self._kinds = {"int8": (self._bytes, "i8"), "fp16": (ir.VectorType(I16, lanes), "i16")}

    def decoded(self, builder: Any, active: Any, source: Any) -> Any:
        """The values from `source` on as fp32, each in its lane."""
        kind, name = self._kinds.get(self._stored, (self._floats, "f32"))
        expanded = self._expanded(builder, active, source, kind, name)
        if self._stored == "int8":
            return builder.sitofp(expanded, self._floats)
        return builder.fpext(builder.bitcast(expanded, self._halves), self._floats) if name == "i16" else expanded

    def among_first(self, builder: Any, active: Any, left: Any) -> Any:
        """Which lanes have one of the first `left` values: numbers from 0 are expanded as the values are."""
        counted = ir.Constant(self._bytes, list(range(self._lanes)))
        source = builder.bitcast(cgutils.global_constant(builder, "ltp.lanes", counted), I8.as_pointer())  # type: ignore[no-untyped-call]
        numbers = self._expanded(builder, active, source, self._bytes, "i8")
        return builder.icmp_unsigned(
            "<", numbers, _every(builder, builder.trunc(left, I8), self._bytes, ir.VectorType(I32, self._lanes))
        )

    def _expanded(self, builder: Any, active: Any, source: Any, kind: Any, name: str) -> Any:
        shape = ir.FunctionType(kind, [source.type, self.flags, kind])
        expand = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, shape, f"llvm.masked.expandload.v{self._lanes}{name}"
        )
        return builder.call(expand, [source, active, ir.Constant(kind, [0] * self._lanes)])


def _every(builder: Any, scalar: Any, vector: Any, words: Any) -> Any:
    """One number in all lanes."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, scalar, I32(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(words, [0] * vector.count))


def _rounded(builder: Any, number: Any, word: Any, short: Any) -> Any:
    """The upper 16 bits of fp32, rounded to nearest even."""

    def constant(value: int) -> Any:
        return ir.Constant(word, [value] * word.count if isinstance(word, ir.VectorType) else value)

    bits = builder.bitcast(number, word)
    odd = builder.and_(builder.lshr(bits, constant(16)), constant(1))
    return builder.trunc(builder.lshr(builder.add(bits, builder.add(odd, constant(HALFWAY))), constant(16)), short)
