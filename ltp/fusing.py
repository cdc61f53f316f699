"""Adding an adapter's values to pristine weights, into buffers of the caller's: bit for bit decode, add, round once.

On a CPU a tensor is taken a block at a time, so that what is copied, added to and rounded stays in the cache, and
threads share the blocks of all the tensors of one call. Nothing as large as a tensor is allocated on the way.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ltp.crew import share

BLOCK = 1 << 18
"""Weights fused at a time: 1 MiB of fp32, which is what a core's second-level cache holds."""
PIECE = 1 << 15
"""Elements torch converts in one call; of more it would divide the work among threads of its own."""


class Fusing(NamedTuple):
    """One tensor to fuse: `buffer` becomes `pristine` plus `values` x 2**-`exponent` at `positions`.

    `pristine` is fp32, and `buffer` of the same shape, fp32 or bf16, both contiguous; they may be the same tensor.
    `values` (K,) are fp16 or fp32 as stored, and `positions` (K,) int32, flat in C order, ascending; all of them are
    where `buffer` is. Without `positions` there is a value for every element.
    """

    buffer: Tensor
    pristine: Tensor
    values: Tensor
    exponent: int
    positions: Tensor | None


def fuse_into(buffer: Tensor, pristine: Tensor, values: Tensor, exponent: int, positions: Tensor | None) -> Tensor:
    """Fuse one tensor (see `Fusing`) and return its buffer."""
    fuse_all([Fusing(buffer, pristine, values, exponent, positions)])
    return buffer


def fuse_all(tensors: Iterable[Fusing]) -> None:
    """Fuse some tensors, a layer's or a model's, with as many threads as torch computes with."""
    blocks: list[_Block] = []
    for tensor in tensors:
        if tensor.buffer.device.type == "cpu":
            blocks += _blocks(tensor)
        else:
            _fuse_elsewhere(tensor)
    share(_fuse_block, blocks)


def _fuse_elsewhere(tensor: Fusing) -> None:
    fused = tensor.pristine.detach().clone()
    values = tensor.values.float() * 2.0**-tensor.exponent
    if tensor.positions is None:
        fused.view(-1).add_(values)
    else:
        fused.view(-1).index_add_(0, tensor.positions, values)
    tensor.buffer.copy_(fused)


class _Block(NamedTuple):
    """A stretch of one tensor: elements `start` to `stop`, and the values `first` to `last` that fall into it."""

    tensor: Fusing
    start: int
    stop: int
    first: int
    last: int


def _blocks(tensor: Fusing) -> Iterator[_Block]:
    size = tensor.buffer.numel()
    starts = range(0, size, BLOCK)
    bounds = np.array([*starts, size], np.int32)
    edges = (bounds if tensor.positions is None else np.searchsorted(tensor.positions.numpy(), bounds)).tolist()
    for index, start in enumerate(starts):
        yield _Block(tensor, start, min(start + BLOCK, size), edges[index], edges[index + 1])


class _Scratch(threading.local):
    """Room of one thread for one block: values decoded, weights summed, positions inside the block."""

    def __init__(self) -> None:
        with torch.inference_mode():
            self.values = torch.empty(BLOCK)
            self.weights = torch.empty(BLOCK)
            self.places = torch.empty(BLOCK, dtype=torch.int32)


@cache
def _scratch() -> _Scratch:
    return _Scratch()


@torch.inference_mode()  # so buffers made in that mode may be written to, whichever thread does it
def _fuse_block(block: _Block) -> None:
    tensor, scratch, count = block.tensor, _scratch(), block.last - block.first
    stretch, some = slice(block.start, block.stop), slice(block.first, block.last)
    buffer, pristine = tensor.buffer.view(-1)[stretch], tensor.pristine.detach().view(-1)[stretch]
    if not count:
        _copy(buffer, pristine)
        return
    values = scratch.values[:count]
    _copy(values, tensor.values[some])
    if tensor.exponent:
        np.multiply(values.numpy(), np.float32(2.0**-tensor.exponent), out=values.numpy())
    weights = buffer if buffer.dtype == torch.float32 else scratch.weights[: len(buffer)]
    _copy(weights, pristine)
    if tensor.positions is None:
        np.add(weights.numpy(), values.numpy(), out=weights.numpy())
    else:
        places = scratch.places[:count]
        np.subtract(tensor.positions.numpy()[some], np.int32(block.start), out=places.numpy())
        weights.index_add_(0, places, values)
    if weights is not buffer:
        _copy(buffer, weights)


def _copy(target: Tensor, source: Tensor) -> None:
    """Copy and convert on this thread alone."""
    if target.dtype == source.dtype == torch.float32:
        if target.data_ptr() != source.data_ptr():
            np.copyto(target.numpy(), source.numpy())
        return
    for start in range(0, len(target), PIECE):
        target[start : start + PIECE].copy_(source[start : start + PIECE])
