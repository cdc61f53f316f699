"""One side of a comparison, in a process of its own: `run` starts it, and what it returns comes back as JSON.

    measured = run("bench.lines.drift_step:ours", precision="bf16")

calls `ours(precision="bf16")` of that module in a fresh interpreter. The function sets itself up, times its work with
`timed`, and returns a `Measured`; peak memory is the kernel's, of the whole process.
"""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass
class Measured:
    """What one side took: seconds of each timed run, and the units of work one run does."""

    seconds: list[float]
    units: float = 1.0
    detail: dict[str, Any] = field(default_factory=dict)
    peak_rss_mb: float = 0.0

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return float(median(self.seconds))

    @property
    def rate(self) -> float:
        """Units a second, by the middle run."""
        return self.units / self.median

    def summary(self) -> dict[str, Any]:
        """Return what the report keeps of this side."""
        return {
            "median_s": self.median,
            "least_s": min(self.seconds),
            "most_s": max(self.seconds),
            "runs": len(self.seconds),
            "units": self.units,
            "peak_rss_mb": self.peak_rss_mb,
            **self.detail,
        }


def timed(work: Callable[[], object], *, runs: int = 3, warmup: int = 1) -> list[float]:
    """Seconds of each of `runs` calls, after `warmup` calls that do not count."""
    seconds = []
    for number in range(warmup + runs):
        began = time.perf_counter()
        work()
        if number >= warmup:
            seconds.append(time.perf_counter() - began)
    return seconds


def extra_mb(work: Callable[[], object]) -> float:
    """The most by which this process grew while `work` ran, in MB; the kernel's high-water mark is reset before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status_mb("VmRSS")
    work()
    return status_mb("VmHWM") - before


def status_mb(name: str) -> float:
    """A figure of this process from the kernel, e.g. VmRSS, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1000


def run(function: str, **options: Any) -> Measured:
    """Call `module:function` with options that JSON can carry, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        answer = Path(folder) / "measured.json"
        command = [sys.executable, "-m", "bench.side", function, json.dumps(options), str(answer)]
        print(f"  {function} {json.dumps(options)}", file=sys.stderr, flush=True)
        began = time.monotonic()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        measured = Measured(**json.loads(answer.read_text(encoding="utf-8")))
    print(
        f"    median {measured.median:.4g} s of {len(measured.seconds)}, peak {measured.peak_rss_mb:,.0f} MB, "
        f"{time.monotonic() - began:.0f} s in all",
        file=sys.stderr,
        flush=True,
    )
    return measured


def main() -> None:
    """Be the child: call the function, write what it measured."""
    function, options, answer = sys.argv[1:]
    module, name = function.split(":")
    measured: Measured = getattr(importlib.import_module(module), name)(**json.loads(options))
    # the kernel's other count, ru_maxrss, starts at what the parent had when this process was made
    measured.peak_rss_mb = measured.peak_rss_mb or status_mb("VmHWM")
    Path(answer).write_text(json.dumps(asdict(measured)), encoding="utf-8")


if __name__ == "__main__":
    main()
