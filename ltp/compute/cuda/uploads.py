"""Uploads beside the arithmetic: on a stream of their own, from pinned memory, while earlier work still runs."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor


class Uploader:
    """Copies to one GPU. `cuda` is torch's module of that name."""

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        self._device, self._cuda, self._stream = device, cuda, cuda.Stream(device)

    def __call__(self, tensor: Tensor) -> Tensor:
        """Begin to copy a tensor there; what the calling thread begins afterwards waits for it, the thread does not."""
        here = self._cuda.current_stream(self._device)
        with self._cuda.stream(self._stream):
            there = tensor.to(self._device, non_blocking=True)
        here.wait_stream(self._stream)
        there.record_stream(here)  # its memory is not given to the next upload before this stream has read it
        return there


@cache
def _uploader(device: torch.device) -> Uploader:
    return Uploader(device)


def uploaded(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor to a device; itself where it is there already."""
    if device.type != "cuda" or tensor.device.type == "cuda":
        return tensor.to(device)
    return _uploader(device)(tensor)
