"""What the work is done on: processor, memory and versions, for the report; and how much memory it took."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("ltp", "torch", "transformers", "tokenizers", "safetensors", "numpy", "matplotlib")
_KILO = 1024


def machine() -> dict[str, Any]:
    """Processor, cores, memory in GB, Python and package versions."""
    return {
        "processor": _matched("/proc/cpuinfo", r"model name\s*: (.*)") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(int(_matched("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1e6, 1) or None,
        "python": platform.python_version(),
        "versions": {name: number for name in PACKAGES if (number := _version(name))},
    }


def peak_rss_mb() -> float:
    """The largest this process has been, in MB; the system counts bytes on macOS and kilobytes elsewhere."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else _KILO) / 1e6


def _matched(path: str, pattern: str) -> str | None:
    try:
        match = re.search(pattern, Path(path).read_text(encoding="utf-8"))
    except OSError:
        return None
    return match.group(1).strip() if match else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
