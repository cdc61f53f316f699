"""Whether this machine computes with bf16 itself: told by what it is, so that the same machine always says the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path

CPU_FLAGS = Path("/proc/cpuinfo")
FAST = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
"""A processor's flags, x86-64's and ARM's, with which products of bf16 matrices are faster than those of fp32."""
MATRIX_UNIT = frozenset({"amx_bf16"})
"""Those of a processor that multiplies small matrices at once."""


@cache
def has_bf16(device: str, *, cpu_flags: Path = CPU_FLAGS, flags: frozenset[str] = FAST) -> bool:
    """Tell of a GPU what torch says of it, of a CPU whether it has one of the `flags`; else False."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        lines = cpu_flags.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    its = (line.partition(":")[2].split() for line in lines if line.casefold().startswith(("flags", "features")))
    return not flags.isdisjoint(next(its, ()))
