"""How much of a GPU's memory adapters may take, where nobody has said it."""

from __future__ import annotations

import torch

SHARE = 0.5
"""Of what is free once the backbone is there: the rest is for batches, compact adapters, masks and other processes."""


def room_for_adapters(device: torch.device, *, free: int | None = None) -> int:
    """Bytes for fused adapters on a GPU of which `free` bytes are free; asked of the driver when None."""
    if free is None:
        free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
        free -= torch.cuda.memory_allocated(device)  # what torch holds and does not use is free, too
    return int(SHARE * free)
