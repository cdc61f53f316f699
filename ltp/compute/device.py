"""Where to compute: what a setting of `auto`, `cpu` or `cuda` means on this machine. Imports torch only to ask it."""

from __future__ import annotations

from pathlib import Path

AUTO = "auto"
_FIRST_GPU = Path("/dev/nvidia0")


def choose_device(setting: str) -> str:
    """Return the device a setting names; `auto` is the GPU that torch can use, else the CPU."""
    if setting != AUTO:
        return setting
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def guess_device(setting: str) -> str:
    """Return what `choose_device` will most likely choose, by the driver's file and without importing torch."""
    if setting != AUTO:
        return setting
    return "cuda" if _FIRST_GPU.exists() else "cpu"
