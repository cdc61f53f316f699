"""The processes that compute one run together, one a device, and what passes between them (torch.distributed).

Each does its share of every step; gradients are added up over all, so that every process then takes the same step and
holds the same weights to the bit. The first, rank 0, is the one that reports, saves, and has the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, distributed

SMALL = 1 << 16
"""Elements below which tensors are added up together, in a copy: a call of its own costs more than the copying."""
PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: rank 0 also writes checkpoints, and reports to a database."""


class Ranks(Protocol):
    """This process among those that compute together."""

    @property
    def number(self) -> int:
        """Which one this is, counted from 0."""

    @property
    def size(self) -> int:
        """How many there are."""

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, the same bits everywhere. Same shapes in all."""

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Return each number's sum over all processes, in double precision."""

    def spread(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by that of rank 0."""

    def tell(self, text: str) -> str:
        """Return what rank 0 says."""


class Alone:
    """One process, which has nobody to add to."""

    number, size = 0, 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """See `Ranks`."""

    def total(self, numbers: Sequence[float]) -> list[float]:
        """See `Ranks`."""
        return list(numbers)

    def spread(self, tensors: Sequence[Tensor]) -> None:
        """See `Ranks`."""

    def tell(self, text: str) -> str:
        """See `Ranks`."""
        return text


ALONE = Alone()


class ProcessGroup:
    """The ranks of torch's default process group, whose tensors lie on `device`."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.number, self.size = distributed.get_rank(), distributed.get_world_size()

    @torch.no_grad()
    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """See `Ranks`."""
        small = [tensor for tensor in tensors if tensor.numel() < SMALL]
        begun = [distributed.all_reduce(tensor, async_op=True) for tensor in tensors if tensor.numel() >= SMALL]
        if small:
            together = torch.cat([tensor.flatten() for tensor in small])
            distributed.all_reduce(together)
            for tensor, summed in zip(small, torch.split(together, [each.numel() for each in small]), strict=True):
                tensor.copy_(summed.view_as(tensor))
        for work in begun:
            work.wait()

    def total(self, numbers: Sequence[float]) -> list[float]:
        """See `Ranks`."""
        summed = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        distributed.all_reduce(summed)
        return summed.tolist()

    @torch.no_grad()
    def spread(self, tensors: Sequence[Tensor]) -> None:
        """See `Ranks`."""
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)

    def tell(self, text: str) -> str:
        """See `Ranks`."""
        said = torch.tensor(list(text.encode()), dtype=torch.uint8, device=self._device)
        length = torch.tensor([len(said)], device=self._device)
        distributed.broadcast(length, src=0)
        if self.number:
            said = torch.empty(int(length), dtype=torch.uint8, device=self._device)
        if int(length):
            distributed.broadcast(said, src=0)
        return bytes(said.tolist()).decode()


@contextmanager
def joined(meeting: Path, *, number: int, size: int, device: str) -> Iterator[ProcessGroup]:
    """Be rank `number` of `size` processes of this machine, which find each other by the new file `meeting`.

    GPUs talk by NCCL, and each needs one of its own; processors by gloo. Raises RuntimeError, here or in any call, when
    another process is gone.
    """
    gpu = device.startswith("cuda")
    if gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if gpu else "gloo",
        store=distributed.FileStore(str(meeting), size),  # type: ignore[attr-defined]  # torch does not list it
        rank=number,
        world_size=size,
        timeout=PATIENCE,
        device_id=torch.device(device) if gpu else None,
    )
    try:
        yield ProcessGroup(device)
    finally:
        distributed.destroy_process_group()
