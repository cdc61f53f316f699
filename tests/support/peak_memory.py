"""How much memory something takes at its worst, as the kernel counts it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path


def peak_mb(act: Callable[[], object]) -> float:
    """The most by which the process grew while `act` ran, in MB; the kernel's high-water mark is reset before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    act()
    return (_status("VmHWM") - before) / 1000


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))
