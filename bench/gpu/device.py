"""The device that is measured: waiting for it, its memory, the clock, and where a part's figures go."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.gpu.material import Material, material
from bench.side import status_mb

FEWEST, SMALL_FEWEST = 3, 1
"""Timed runs of each work, however long they take."""
MEGABYTE = 1e6


@dataclass(frozen=True)
class Setting:
    """What a part is told."""

    device: str
    folder: Path
    """Where backbones are made."""
    answer: Path
    """A file that takes a JSON object a line: what was measured before a part is stopped is kept."""
    small: bool = False
    """Sizes for trying the program out: their figures mean nothing."""

    @property
    def seconds(self) -> float:
        """How long each work is repeated."""
        return 0.01 if self.small else 2.5

    def material(self, name: str) -> Material:
        """A backbone and texts."""
        return material("tiny" if self.small else name, self.folder)

    def note(self, name: str, **figures: Any) -> None:
        """Keep what was measured."""
        with self.answer.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name} | figures) + "\n")

    @contextmanager
    def measuring(self, name: str) -> Iterator[dict[str, Any]]:
        """Note the figures that the block fills in, or why it failed; the part goes on to its next measurement."""
        figures: dict[str, Any] = {}
        began = time.perf_counter()
        try:
            yield figures
        except Exception as error:  # noqa: BLE001  one failure must not cost the other figures of a borrowed device
            figures["failed"] = f"{type(error).__name__}: {error}"[:600]
        self.note(name, **figures, took_s=round(time.perf_counter() - began, 2))
        self.tidy()

    def wait(self) -> None:
        """Wait until everything that was begun on the device is done."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def tidy(self) -> None:
        """Give memory back that nothing uses."""
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()

    @property
    def on_gpu(self) -> bool:
        """Whether it is one."""
        return self.device.startswith("cuda")

    @contextmanager
    def watching_memory(self, figures: dict[str, Any]) -> Iterator[None]:
        """Note the most memory in use while the block runs: of the GPU what tensors took, else the process's."""
        self.tidy()
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            Path("/proc/self/clear_refs").write_text("5")
        yield
        peak = torch.cuda.max_memory_allocated(self.device) / MEGABYTE if self.on_gpu else status_mb("VmHWM")
        figures["peak_mb"] = round(peak)

    def time(self, work: Callable[[], object], *, warm: int = 2) -> dict[str, float]:
        """Seconds of one call: the middle, the least and the most of those that fit into the time for it."""
        for _ in range(1 if self.small else warm):
            work()
        self.wait()
        seconds: list[float] = []
        while sum(seconds) < self.seconds or len(seconds) < (SMALL_FEWEST if self.small else FEWEST):
            began = time.perf_counter()
            work()
            self.wait()
            seconds.append(time.perf_counter() - began)
        return {"median_s": median(seconds), "least_s": min(seconds), "most_s": max(seconds), "runs": len(seconds)}
