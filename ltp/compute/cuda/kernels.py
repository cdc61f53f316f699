"""The kernels, in Triton: adding values under a bit mask, counting the mask's bits, naming their places, products.

Imported only where they run: on a GPU, or in Triton's interpreter (TRITON_INTERPRET=1), which runs them on the CPU and
shows what they give. Adding gives the bits of the plain computation: products by a power of two are exact, additions
stand by themselves, bf16 is rounded to nearest even on the bits. Matrix products agree with torch's to rounding.
"""

import triton
import triton.language as tl

COLUMNS = 7
"""Of a table, one row a tensor: addresses of out, base, values, bits and first, the size, the scale's bits."""


def _bits_set(byte):  # type: ignore[no-untyped-def]
    """Bits set in each of some bytes."""
    byte = byte - ((byte >> 1) & 0x55)
    byte = (byte & 0x33) + ((byte >> 2) & 0x33)
    return (byte + (byte >> 4)) & 0x0F


bits_set = triton.jit(_bits_set)


def _count_blocks(bits, counts, size, BYTES: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """Count the bits set in each stretch of BYTES bytes."""
    block = tl.program_id(0)
    place = block.to(tl.int64) * BYTES + tl.arange(0, BYTES)
    byte = tl.load(bits + place, mask=place < size, other=0).to(tl.int32)
    tl.store(counts + block, tl.sum(bits_set(byte), 0))


count_blocks = triton.jit(_count_blocks)


def _name_places(bits, first, places, size, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """Write the place of every bit set, in order: a block's from number `first` of it on."""
    block = tl.program_id(0)
    place = block.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    byte = tl.load(bits + (place >> 3), mask=place < size, other=0).to(tl.int32)
    active = (byte >> (place & 7).to(tl.int32)) & 1
    number = tl.load(first + block) + tl.cumsum(active, 0) - active
    tl.store(places + number, place, mask=active != 0)


name_places = triton.jit(_name_places)


def _add_all(  # type: ignore[no-untyped-def]
    table,
    starts,
    tensors,
    COLUMNS: tl.constexpr,  # noqa: N803
    SEARCHED: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
    HALF: tl.constexpr,  # noqa: N803
    BF16: tl.constexpr,  # noqa: N803
):
    """Fuse BLOCK weights of one of some tensors; `starts` has each one's first program, and their number at the end."""
    program = tl.program_id(0)
    number = tl.arange(0, SEARCHED)
    begun = tl.load(starts + number, mask=number < tensors, other=2147483647) <= program
    tensor = tl.sum(begun.to(tl.int32), 0) - 1
    block = program - tl.load(starts + tensor)
    row = table + tensor * COLUMNS
    out = tl.load(row).to(tl.pointer_type(tl.int16 if BF16 else tl.float32))
    base = tl.load(row + 1).to(tl.pointer_type(tl.float32))
    values = tl.load(row + 2).to(tl.pointer_type(tl.float16 if HALF else tl.float32))
    bits = tl.load(row + 3).to(tl.pointer_type(tl.uint8))
    first = tl.load(row + 4).to(tl.pointer_type(tl.int64))
    size = tl.load(row + 5)
    scale = tl.load(row + 6).to(tl.int32).to(tl.float32, bitcast=True)

    place = block.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    byte = tl.load(bits + (place >> 3), mask=inside, other=0).to(tl.int32)
    active = (byte >> (place & 7).to(tl.int32)) & 1
    rank = tl.load(first + block) + tl.cumsum(active, 0) - active
    value = tl.load(values + rank, mask=active != 0, other=0).to(tl.float32)
    pristine = tl.load(base + place, mask=inside, other=0)
    fused = tl.where(active != 0, pristine + value * scale, pristine)
    if BF16:
        word = fused.to(tl.int32, bitcast=True)
        odd = (word >> 16) & 1
        tl.store(out + place, ((word + 0x7FFF + odd) >> 16).to(tl.int16), mask=inside)
    else:
        tl.store(out + place, fused, mask=inside)


add_all = triton.jit(_add_all)


def _multiply(  # type: ignore[no-untyped-def]
    rows,
    tiles,
    out,
    width,
    height,
    ROWS: tl.constexpr,  # noqa: N803
    COLUMNS: tl.constexpr,  # noqa: N803
    DEPTH: tl.constexpr,  # noqa: N803
    STEPS: tl.constexpr,  # noqa: N803
    TILE: tl.constexpr,  # noqa: N803
):
    """Multiply up to ROWS of the rows (N, width) by a weight (height, width) of their own, and add its bias.

    A tile, TILE numbers, has the addresses of weight and bias, and its first row and the one after its last.
    """
    kind = rows.dtype.element_ty
    row = tiles + tl.program_id(1) * TILE
    weight = tl.multiple_of(tl.load(row), 16).to(tl.pointer_type(kind))
    bias = tl.load(row + 1).to(tl.pointer_type(kind))
    m = tl.load(row + 2) + tl.arange(0, ROWS)
    n = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    inside, there = m < tl.load(row + 3), n < height
    depth = tl.arange(0, DEPTH)
    left = rows + m[:, None] * width + depth[None, :]
    right = weight + n[None, :].to(tl.int64) * width + depth[:, None]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for step in range(STEPS):
        room = depth < width - step * DEPTH
        one = tl.load(left, mask=inside[:, None] & room[None, :], other=0)
        other = tl.load(right, mask=there[None, :] & room[:, None], other=0)
        total = tl.dot(one, other, total, input_precision="ieee")
        left += DEPTH
        right += DEPTH
    total += tl.load(bias + n, mask=there, other=0).to(tl.float32)[None, :]
    tl.store(out + m[:, None] * height + n[None, :], total.to(kind), mask=inside[:, None] & there[None, :])


multiply = triton.jit(_multiply)
