"""Where to compute: what `auto`, `cpu`, `cuda` or `cuda:1` means on this machine. Imports torch only to ask it."""

from __future__ import annotations

import re
from pathlib import Path

from ltp.errors import DeviceNotAvailable, InvalidConfig

AUTO, CPU = "auto", "cpu"
_CUDA = re.compile(r"cuda(:(?P<number>[0-9]{1,3}))?")
_FIRST_GPU = Path("/dev/nvidia0")


def choose_device(setting: str) -> str:
    """Return the device a setting names; `auto` is the GPU that torch can use, else the CPU.

    Raises `InvalidConfig` for what is no name of a device, `DeviceNotAvailable` for a GPU that torch does not find.
    """
    if setting == CPU:
        return setting
    named = _CUDA.fullmatch(setting)
    if named is None and setting != AUTO:
        raise InvalidConfig("device", setting, "auto, cpu, cuda, or cuda:1 for the second GPU")
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if named is None:
        return "cuda" if found else CPU
    if int(named["number"] or 0) >= found:
        raise DeviceNotAvailable(f"device is {setting!r}, and {_found(found)}; take cpu, or auto for what there is")
    return setting


def _found(gpus: int) -> str:
    import torch

    if gpus:
        return f"torch finds {gpus} GPU{'s' if gpus > 1 else ''} here, counted from cuda:0"
    build = "is built for the CPU alone" if torch.version.cuda is None else f"is built for CUDA {torch.version.cuda}"
    return f"torch finds no GPU here (torch {torch.__version__} {build})"


def guess_device(setting: str) -> str:
    """Return what `choose_device` will most likely choose, by the driver's file and without importing torch."""
    if setting != AUTO:
        return setting
    return "cuda" if _FIRST_GPU.exists() else CPU
