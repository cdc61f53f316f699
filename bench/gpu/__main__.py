"""Measure this machine's GPU in minutes: see `bench/gpu.sh`, which calls this.

Each part runs in a process of its own for at most its share of the time. What a part measured before it failed or was
stopped is kept, and the others run all the same. The result is one JSON object on standard output; the exit status is
1 if anything failed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple


class Part(NamedTuple):
    """A function that measures, and the most seconds it may take, its start included."""

    name: str
    function: str
    seconds: float


PARTS = (
    Part("making backbones", "bench.gpu.making:run", 60),
    Part("device tests", "bench.gpu.device_tests:run", 90),
    Part("rates", "bench.gpu.arithmetic:rates", 40),
    Part("serving, base", "bench.gpu.serving:base", 90),
    Part("weights, base", "bench.gpu.weights:base", 45),
    Part("training, base", "bench.gpu.training:base", 70),
    Part("training, large", "bench.gpu.training:large", 80),
)
SECONDS = 470
"""Of all parts together."""
LEAST = 5
"""Seconds below which no part is begun."""


def main() -> int:
    arguments = _arguments()
    if arguments.part:
        return _be_a_part(arguments.part, json.loads(arguments.setting))
    began, results = time.monotonic(), {}
    with tempfile.TemporaryDirectory(prefix="ltp-gpu-") as folder:
        for part in PARTS:
            if arguments.parts and part.name not in arguments.parts.split(";"):
                continue
            left = arguments.seconds - (time.monotonic() - began)
            results[part.name] = _run(part, arguments, Path(folder), left)
    whole = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "small": arguments.small,
        "device": arguments.device,
        "machine": _machine(arguments.device),
        "seconds": round(time.monotonic() - began),
        "parts": results,
        "failed": list(_failed(results)),
    }
    whole["shares_of_bf16_rate"] = _shares(results)
    text = json.dumps(whole, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    return 1 if whole["failed"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1; cpu to try the program out (default: cuda)")
    parser.add_argument("--small", action="store_true", help="tiny sizes, whose figures mean nothing")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of everything (default: {SECONDS})")
    parser.add_argument(
        "--parts", help="names with ; between them; all when left out: " + "; ".join(p.name for p in PARTS)
    )
    parser.add_argument("--out", type=Path, help="a file for the JSON, too")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--setting", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(part: Part, arguments: argparse.Namespace, folder: Path, left: float) -> dict[str, Any]:
    """Run a part in a process of its own; return what it noted, and `failed` if it did not end well."""
    if left < LEAST:
        return {"failed": "not begun: the time was used up", "seconds": 0, "measured": []}
    answer = folder / f"{part.name}.jsonl"
    setting = {"device": arguments.device, "folder": str(folder), "answer": str(answer), "small": arguments.small}
    command = [sys.executable, "-m", "bench.gpu", "--part", part.function, "--setting", json.dumps(setting)]
    print(f"{part.name} ...", file=sys.stderr, flush=True)
    began, limit = time.monotonic(), min(part.seconds, left)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    failed = None
    try:
        status = process.wait(limit)
        failed = f"ended with status {status}" if status else None
    except subprocess.TimeoutExpired:
        failed = f"stopped after {limit:.0f} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = answer.read_text(encoding="utf-8").splitlines() if answer.exists() else []
    found = {"seconds": round(time.monotonic() - began, 1), "measured": [json.loads(line) for line in lines]}
    return found | ({"failed": failed} if failed else {})


def _be_a_part(function: str, given: dict[str, Any]) -> int:
    from bench.gpu.device import Setting
    from ltp.compute.device import choose_device

    setting = Setting(given["device"], Path(given["folder"]), Path(given["answer"]), given["small"])
    module, name = function.split(":")
    with setting.measuring("start") as figures:
        choose_device(setting.device)
        measure = getattr(importlib.import_module(module), name)
    if "failed" in figures:
        return 1
    measure(setting)
    return 0


def _failed(results: dict[str, Any]) -> Iterator[str]:
    for name, part in results.items():
        if "failed" in part:
            yield f"{name}: {part['failed']}"
        yield from (f"{name}, {each['name']}: {each['failed']}" for each in part["measured"] if "failed" in each)


def _shares(results: dict[str, Any]) -> dict[str, float]:
    """Operations a second of the plain computation that a figure comes to, over those of the device's bf16 product."""
    rates = [each for part in results.values() for each in part["measured"]]
    most = next((rate.get("tera_operations_a_second") for rate in rates if rate["name"] == "product bfloat16"), None)
    found: dict[str, float] = {}
    for rate in rates:
        for name, figures in ((rate["name"], rate), *((f"{rate['name']}, {key}", rate[key]) for key in rate)):
            if most and isinstance(figures, dict) and "tera_operations_a_second" in figures:
                found[name] = figures["tera_operations_a_second"] / most
    return found


def _machine(device: str) -> dict[str, Any]:
    from bench.report import machine

    facts = machine() | {"system": platform.platform()}
    if device.startswith("cuda"):
        facts["gpu"] = _gpu(device)
    return facts


def _gpu(device: str) -> dict[str, Any] | str:
    import torch

    try:
        found = torch.cuda.get_device_properties(device)
        return {"name": found.name, "memory_gb": round(found.total_memory / 1e9), "cuda": torch.version.cuda}
    except (RuntimeError, AssertionError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
