"""Adding an adapter's values to pristine weights on a device: all tensors of a call in one launch, or one by one.

Both give the bits of `ltp.compute.masked_add` on a CPU.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import numpy as np
import torch

from ltp.compute.cuda.masks import BLOCK, DeviceMask, launching_on, mask_on, runs_kernels, unpacked
from ltp.compute.fuse_task import FuseTask
from ltp.compute.kernel import SCALED

MOST = 1 << 14
"""Tensors of one launch: each program looks through all of them for its own."""


class _Waiting(threading.local):
    """What a thread has put off; None while it puts nothing off."""

    tasks: list[FuseTask] | None = None


_waiting = _Waiting()


@contextmanager
def in_one_launch() -> Iterator[None]:
    """Put off what this thread fuses on a device to the end of the block, for one launch instead of many.

    What fails in the block is not fused at all. On a CPU nothing is put off.
    """
    if _waiting.tasks is not None:
        yield
        return
    _waiting.tasks = []
    try:
        yield
        tasks = _waiting.tasks
    finally:
        _waiting.tasks = None
    fuse_there(tasks)


def fuse_there(tasks: Sequence[FuseTask]) -> None:
    """Fuse tensors that lie on one device; `FuseTask` says what that means."""
    if _waiting.tasks is not None:
        _waiting.tasks += tasks
        return
    if not tasks:
        return
    kernels = runs_kernels(tasks[0].buffer.device)
    kinds: dict[tuple[torch.dtype, torch.dtype], list[FuseTask]] = {}
    for task in tasks:
        if not kernels or task.scales is not None:  # no kernel reads codes yet
            add_plainly(task)
            continue
        kinds.setdefault((task.values.dtype, task.buffer.dtype), []).append(task)
    for same in kinds.values():
        for first in range(0, len(same), MOST):
            launch(same[first : first + MOST])


def add_plainly(task: FuseTask) -> None:
    """The same in torch's own operations, for a device without Triton."""
    active = unpacked(mask_on(task.active, task.buffer.device).bits)[: task.buffer.numel()].bool()
    fused = task.pristine.detach().clone()
    values = task.values.float() * 2.0**-task.exponent
    if task.scales is not None:
        values *= task.scales.float().repeat_interleave(SCALED)[: len(values)]
    fused.view(-1)[active] += values
    task.buffer.copy_(fused)


def launch(tasks: Sequence[FuseTask]) -> None:
    """Fuse tensors of one device whose values have one type, and their buffers, by one launch of the kernel."""
    from ltp.compute.cuda.kernels import COLUMNS, add_all

    device = tasks[0].buffer.device
    masks = [mask_on(task.active, device) for task in tasks]
    starts = [0, *accumulate(-(-task.buffer.numel() // BLOCK) for task in tasks)]
    if not starts[-1]:
        return
    rows = torch.tensor([_row(task, mask) for task, mask in zip(tasks, masks, strict=True)])  # (tensors, COLUMNS)
    firsts = torch.tensor(starts[:-1], dtype=torch.int32)
    if device.type == "cuda":
        rows, firsts = (each.pin_memory().to(device, non_blocking=True) for each in (rows, firsts))
    with launching_on(device):
        add_all[(starts[-1],)](
            rows,
            firsts,
            len(tasks),
            COLUMNS=COLUMNS,
            SEARCHED=1 << (len(tasks) - 1).bit_length(),
            BLOCK=BLOCK,
            HALF=tasks[0].values.dtype == torch.float16,
            BF16=tasks[0].buffer.dtype == torch.bfloat16,
            enable_fp_fusion=False,  # a product that is added in one step rounds once where ours rounds twice
        )


def _row(task: FuseTask, mask: DeviceMask) -> list[int]:
    scale = int(np.float32(2.0**-task.exponent).view(np.int32))
    tensors = task.buffer, task.pristine, task.values, mask.bits, mask.first
    return [*(tensor.data_ptr() for tensor in tensors), task.buffer.numel(), scale]
