"""Settings of what computes: devices, precision and threads."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SAME_MACHINE = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
"""Processes that train together are on one machine, and listen to nobody else; read when they meet."""
DEVICE = re.compile(r"(?P<processor>cpu)|(cuda:)?(?P<number>[0-9]{1,3})")
"""One of the devices of a list."""


def _are_devices(devices: str) -> str:
    """Refuse what names no devices; write `0` as `cuda:0`. GPUs and processors do not train together."""
    named = [DEVICE.fullmatch(each.strip()) for each in devices.split(",")] if devices else []
    found = [each["processor"] or f"cuda:{int(each['number'])}" for each in named if each is not None]
    if len(found) < len(named):
        wrong = next(each for each, name in zip(devices.split(","), named, strict=True) if name is None)
        raise ValueError(
            f"{wrong.strip()!r} in {devices!r} is no device; write GPUs as 0,1 or cuda:0,cuda:1, or cpu,cpu"
        )
    if "cpu" in found and set(found) != {"cpu"}:
        raise ValueError(f"{devices!r} names GPUs and processors, which do not train together; take one kind")
    twice = next((each for each in found if each != "cpu" and found.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"{devices!r} names {twice} twice; a GPU does one part of the work, so name others")
    return ",".join(found)


class ComputeSettings(BaseSettings):
    """What `app.settings.Settings`, which alone is read from the environment, says of where and how tensors compute."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?)$")] = "auto"
    """Where tensors live: `cpu`, `cuda`, `cuda:1` for the second GPU; `auto` takes a GPU if there is one that works."""
    devices: Annotated[str, AfterValidator(_are_devices)] = ""
    """Where a worker's jobs compute, in place of `DEVICE`: `0,1` for two GPUs, `cpu,cpu` for two shares of the
    processor. All of them train one drift together; of other jobs each device does one at a time. Empty: one job at a
    time, on `DEVICE`."""
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """Arithmetic of serving; `auto` measures at start whether fp32 or bf16 is faster, and never takes `int8`, which
    needs a CPU and answers every adapter so, whether its `int8_agreement` passed or not. Training precision belongs
    to each request."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of a job's arithmetic; 0 leaves torch's own choice."""

    @property
    def job_devices(self) -> list[str]:
        """Return where jobs compute: `DEVICES`, or else `DEVICE` alone."""
        return self.devices.split(",") if self.devices else [self.device]
