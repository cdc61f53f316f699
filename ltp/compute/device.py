"""Where to compute: what `auto`, `cpu`, `cuda` or `cuda:1` means on this machine. Imports torch only to ask it."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Protocol

from ltp.errors import DeviceNotAvailable, InvalidConfig

AUTO, CPU = "auto", "cpu"
_CUDA = re.compile(r"cuda(:(?P<number>[0-9]{1,3}))?")
_FIRST_GPU = Path("/dev/nvidia0")
log = logging.getLogger(__name__)


class Gpus(Protocol):
    """The GPUs that a process can see."""

    def count(self) -> int:
        """How many there are; 0 also where torch is built without them."""

    def try_out(self, device: str) -> None:
        """Compute a little on one. Raises RuntimeError where that does not work: a driver too old, memory taken."""

    def missing(self) -> str:
        """Say what torch is, where it finds none."""


class TorchGpus:
    """Those that torch finds."""

    def count(self) -> int:
        """See `Gpus`."""
        import torch

        return torch.cuda.device_count() if torch.cuda.is_available() else 0

    def try_out(self, device: str) -> None:
        """See `Gpus`."""
        import torch

        torch.ones(1, device=device).add_(1).item()

    def missing(self) -> str:
        """See `Gpus`."""
        import torch

        cuda = torch.version.cuda
        return f"torch {torch.__version__} is built for {'the CPU alone' if cuda is None else f'CUDA {cuda}'}"


def choose_device(setting: str, *, gpus: Gpus | None = None) -> str:
    """Return the device a setting names; `auto` is the GPU that torch can use, else the CPU.

    Raises `InvalidConfig` for what is no name of a device, `DeviceNotAvailable` for a GPU that torch does not find, or
    with which it cannot compute.
    """
    if setting == CPU:
        return setting
    named = _CUDA.fullmatch(setting)
    if named is None and setting != AUTO:
        raise InvalidConfig("device", setting, "auto, cpu, cuda, or cuda:1 for the second GPU")
    gpus = gpus or TorchGpus()
    found = gpus.count()
    if named is None:
        if not found:
            return CPU
        if broken := _broken("cuda", gpus):
            log.warning("the CPU is taken: %s", broken)
        return CPU if broken else "cuda"
    if int(named["number"] or 0) >= found:
        raise DeviceNotAvailable(
            f"device is {setting!r}, and {_found(found, gpus)}; take cpu, or auto for what there is"
        )
    if broken := _broken(setting, gpus):
        raise DeviceNotAvailable(f"device is {setting!r}, and {broken}; mend it, or take cpu")
    return setting


def _found(number: int, gpus: Gpus) -> str:
    if number:
        return f"torch finds {number} GPU{'s' if number > 1 else ''} here, counted from cuda:0"
    return f"torch finds no GPU here ({gpus.missing()})"


def _broken(device: str, gpus: Gpus) -> str:
    """Say why a GPU that is there cannot be used; empty where it can."""
    try:
        gpus.try_out(device)
    except RuntimeError as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        return f"torch cannot compute on the GPU that it finds ({why})"
    return ""


def guess_device(setting: str) -> str:
    """Return what `choose_device` will most likely choose, by the driver's file and without importing torch."""
    if setting != AUTO:
        return setting
    return "cuda" if _FIRST_GPU.exists() else CPU
