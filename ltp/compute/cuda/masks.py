"""Bit masks of tickets as they lie on a device, each uploaded once for as long as the mask is in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ltp.compute.cuda.by_identity import ByIdentity

BLOCK = 1024
"""Weights between two counts of set bits."""


@dataclass(frozen=True)
class DeviceMask:
    """One mask: `bits` (B,) bytes, and how many are set before each BLOCK weights and in all, `first` (n + 1,)."""

    bits: Tensor
    first: Tensor


def mask_on(active: NDArray[np.uint8], device: torch.device) -> DeviceMask:
    """A mask on a device: uploaded once for as long as the array is in memory."""
    return _KNOWN.setdefault(device, ByIdentity()).of(active, partial(uploaded, device=device))


_KNOWN: dict[torch.device, ByIdentity[NDArray[np.uint8], DeviceMask]] = {}


def uploaded(active: NDArray[np.uint8], device: torch.device) -> DeviceMask:
    """Bring a mask to a device and count its bits there."""
    here = torch.from_numpy(np.ascontiguousarray(active) if active.flags.writeable else active.copy())
    bits = here.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else here.to(device)
    return DeviceMask(bits, counted(bits))


def counted(bits: Tensor) -> Tensor:
    """How many bits are set before each BLOCK weights, and in all: (n + 1,) on the device of `bits` (B,)."""
    blocks = -(-len(bits) // (BLOCK // 8))
    if runs_kernels(bits.device):
        from ltp.compute.cuda.kernels import count_blocks

        counts = torch.empty(blocks, dtype=torch.int64, device=bits.device)
        if blocks:
            with launching_on(bits.device):
                count_blocks[(blocks,)](bits, counts, len(bits), BYTES=BLOCK // 8)
    else:
        padded = torch.zeros(blocks * (BLOCK // 8), dtype=torch.uint8, device=bits.device)
        padded[: len(bits)] = bits
        counts = unpacked(padded).view(blocks, BLOCK).sum(1)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def unpacked(bits: Tensor) -> Tensor:
    """Every bit by itself, 0 or 1, (8 x B,)."""
    eight = torch.arange(8, dtype=torch.uint8, device=bits.device)
    return (bits[:, None] >> eight & 1).view(-1)


def places(active: NDArray[np.uint8], count: int, device: torch.device) -> Tensor:
    """Where the `count` bits that are set are, ascending (count,), found on the device."""
    mask = uploaded(active, device)
    if not runs_kernels(device):
        return unpacked(mask.bits).nonzero().squeeze(1)
    from ltp.compute.cuda.kernels import name_places

    found = torch.empty(count, dtype=torch.int64, device=device)
    if count:
        with launching_on(device):
            name_places[(len(mask.first) - 1,)](mask.bits, mask.first, found, 8 * len(mask.bits), BLOCK=BLOCK)
    return found


def launching_on(device: torch.device) -> AbstractContextManager[object]:
    """Have kernels run on a device: Triton takes the one that is current, which is the first unless it is said."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def runs_kernels(device: torch.device) -> bool:
    """Whether Triton is installed, and the device one that it compiles for."""
    return device.type == "cuda" and _has_triton()


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None
