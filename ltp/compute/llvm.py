"""Operations that numba lacks, written for LLVM: fp16 and bf16 numbers, and expanding a vector by a mask.

Imported by `ltp.compute.kernel` alone, when it compiles. `values` and `out` are arrays of numba's, one dimension,
contiguous.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BIT, I16, I32, I64 = ir.IntType(1), ir.IntType(16), ir.IntType(32), ir.IntType(64)
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


def _count_bits(_context: Any, _mask: Any) -> Any:

    def lower(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.ctpop(arguments[0]), I64)

    return types.int64(types.uint16), lower


def _as_it_is(number: Any) -> Any:
    return number


half_to_float: Any = intrinsic(_half_to_float)
"""fp16's bits as fp32, exactly."""
float_to_bf16: Any = intrinsic(_float_to_bf16)
"""fp32 rounded to bf16's bits; numbers only, no NaN."""
count_bits: Any = intrinsic(_count_bits)
"""Bits set in 16."""
as_it_is: Any = njit(_as_it_is)
"""A number that needs no conversion."""


def add_lanes(lanes: int, *, half_values: bool, bf16_out: bool) -> Any:
    """Make `add_lanes(out, base, values, scale, mask, i, place)`: `lanes` weights from `i`, values from `place`."""
    floats, words, shorts = (ir.VectorType(kind, lanes) for kind in (FLOAT, I32, I16))
    flags, stored = ir.VectorType(BIT, lanes), shorts if half_values else floats
    name = f"llvm.masked.expandload.v{lanes}{'i16' if half_values else 'f32'}"

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, base, values, scale, mask, i, place = arguments

        def at(number: int, array: Any, index: Any) -> Any:
            return builder.gep(context.make_array(signature.args[number])(context, builder, array).data, [index])

        active, source = builder.bitcast(mask, flags), at(2, values, place)
        shape = ir.FunctionType(stored, [source.type, flags, stored])
        expand = cgutils.get_or_insert_function(builder.module, shape, name)  # type: ignore[no-untyped-call]
        packed = builder.call(expand, [source, active, ir.Constant(stored, [0] * lanes)])
        if half_values:
            packed = builder.fpext(builder.bitcast(packed, ir.VectorType(HALF, lanes)), floats)
        pristine = builder.load(builder.bitcast(at(1, base, i), floats.as_pointer()), align=4)
        changed = builder.fadd(pristine, builder.fmul(packed, _every(builder, scale, floats, words)))
        fused = builder.select(active, changed, pristine)
        if bf16_out:
            fused = _rounded(builder, fused, words, shorts)
        builder.store(fused, builder.bitcast(at(0, out, i), fused.type.as_pointer()), align=2 if bf16_out else 4)
        return context.get_dummy_value()

    def typed(_context: Any, out: Any, base: Any, values: Any, scale: Any, mask: Any, i: Any, place: Any) -> Any:
        return types.void(out, base, values, scale, mask, i, place), lower

    return intrinsic(typed)


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
