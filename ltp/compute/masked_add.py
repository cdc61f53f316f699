"""Adding an adapter's values to pristine weights, into buffers of the caller's: bit for bit decode, add, round once.

On a CPU a compiled loop reads the weights, the values and the mask once and writes the buffer once; threads share the
blocks of all the tensors of one call. Nothing as large as a tensor is allocated on the way, and no position is. On a
GPU `ltp.compute.cuda.adding` does the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.compute import kernel
from ltp.compute.cuda.adding import fuse_there
from ltp.compute.fuse_task import FuseTask as FuseTask
from ltp.compute.threads import parallel_map

VALUES: dict[torch.dtype, kernel.Stored] = {torch.int8: "int8", torch.float16: "fp16", torch.float32: "fp32"}


def fuse_into(
    buffer: Tensor,
    pristine: Tensor,
    values: Tensor,
    exponent: int,
    active: NDArray[np.uint8],
    *,
    scales: Tensor | None = None,
    wide: bool | None = None,
) -> Tensor:
    """Fuse one tensor (see `FuseTask` and `fuse_all`) and return its buffer.

    Raises:
        ValueError: there are not as many values as bits set, or the mask is not one bit an element, or there are not
            as many scales as the values need.
    """
    fuse_all([FuseTask(buffer, pristine, values, exponent, active, scales=scales)], wide=wide)
    return buffer


def fuse_all(tensors: Iterable[FuseTask], *, wide: bool | None = None) -> None:
    """Fuse some tensors, a layer's or a model's, with as many threads as torch computes with.

    `wide` chooses the loop that takes sixteen weights at a time, which any processor can run; by default where the
    processor has an instruction for it. Both give the same bits.

    Raises:
        ValueError: see `fuse_into`; nothing has been written then.
    """
    blocks: list[_FusingBlock] = []
    elsewhere: list[FuseTask] = []
    for tensor in tensors:
        before = tensor.before or kernel.bits_before(tensor.active)
        if len(tensor.active) != -(-tensor.buffer.numel() // 8) or before[-1] != len(tensor.values):
            raise ValueError(
                f"{len(tensor.values)} values for {before[-1]} active of {8 * len(tensor.active)} in a mask "
                f"of {tensor.buffer.numel()} weights"
            )
        codes, scales = tensor.values.dtype == torch.int8, 0 if tensor.scales is None else len(tensor.scales)
        if scales != (-(-len(tensor.values) // kernel.SCALED) if codes else 0):
            raise ValueError(f"{scales} scales for {len(tensor.values)} values of {tensor.values.dtype}")
        if tensor.buffer.device.type == "cpu":
            blocks += _blocks(tensor, before, wide=wide)
        else:
            elsewhere.append(tensor)
    parallel_map(_fuse_block, blocks)
    fuse_there(elsewhere)


def all_active(size: int) -> NDArray[np.uint8]:
    """The mask of a tensor whose every element has a value."""
    bits = np.full(-(-size // 8), 255, np.uint8)
    if size % 8:
        bits[-1] = (1 << size % 8) - 1
    return bits


def compile_for(precision: torch.dtype, device: torch.device) -> None:
    """Compile what fusing into `precision` takes on a device, so that no first answer waits for it."""
    if device.type == "cpu":
        nothing = torch.empty(1, dtype=precision)
        for dtype, scales in ((torch.float16, None), (torch.int8, torch.ones(1, dtype=torch.float16))):
            fuse_into(nothing, torch.zeros(1), torch.zeros(1, dtype=dtype), 0, all_active(1), scales=scales)


class _FusingBlock(NamedTuple):
    """A stretch of one tensor: elements `start` to `stop`; `first` is the number of its first value."""

    add: kernel.Add
    out: NDArray[Any]
    pristine: NDArray[np.float32]
    values: NDArray[Any]
    scales: NDArray[np.float32]
    active: NDArray[np.uint8]
    start: int
    stop: int
    first: int


def _blocks(tensor: FuseTask, before: list[int], *, wide: bool | None) -> Iterator[_FusingBlock]:
    stored, rounded = VALUES[tensor.values.dtype], tensor.buffer.dtype == torch.bfloat16
    add = kernel.compile_masked_add(kernel.Types(stored, rounded, kernel.has_vector_expand() if wide is None else wide))
    out = tensor.buffer.view(-1)
    pristine = tensor.pristine.detach().view(-1).numpy()
    values, scales = tensor.values.numpy(), _scales(tensor)
    written = out.view(torch.uint16).numpy() if rounded else out.numpy()
    for number, first in enumerate(before[:-1]):
        start = number * kernel.BLOCK
        yield _FusingBlock(
            add,
            written,
            pristine,
            values.view(np.uint16) if stored == "fp16" else values,
            scales,
            tensor.active,
            start,
            min(start + kernel.BLOCK, len(pristine)),
            first,
        )


def _scales(tensor: FuseTask) -> NDArray[np.float32]:
    """What values are multiplied by: all of them by one number, or each block of codes by its own."""
    unit = np.float32(2.0**-tensor.exponent)
    if tensor.scales is None:
        return np.array([unit])
    scales = np.zeros(len(tensor.scales) + kernel.SPARE_SCALES, np.float32)
    scales[: len(tensor.scales)] = tensor.scales.numpy()
    return scales * unit


def _fuse_block(block: _FusingBlock) -> None:
    block.add(*block[1:])
