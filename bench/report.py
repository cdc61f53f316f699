"""The report: Markdown for readers, JSON for programs. A run of some lines keeps the other lines' rows."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.figure import Figure

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "safetensors", "peft", "datasets", "accelerate")
Row = Mapping[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Rows of an earlier run; none if there was none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def merged(old: Iterable[Row], new: Iterable[Figure], *, facts: Row) -> list[Row]:
    """Rows in the order of their lines; lines measured now replace what was there."""
    fresh = [asdict(figure) | {"machine": facts} for figure in new]
    measured = {row["line"] for row in fresh}
    return sorted([*(row for row in old if row["line"] not in measured), *fresh], key=lambda row: row["line"])


def machine() -> dict[str, Any]:
    """Processor, cores, memory and versions."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": processor.group(1) if processor else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory.group(1)) / 1e6) if memory else None,
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ImportError:
        return None


def markdown(rows: Sequence[Row], titles: Mapping[int, str]) -> str:
    """The whole report."""
    parts = ["# Benchmarks\n", *_machines(rows)]
    for number in sorted({row["line"] for row in rows}):
        mine = [row for row in rows if row["line"] == number]
        parts += [f"\n## {number}. {titles.get(number, '')}\n", *_table(mine), "", *_details(mine)]
    return "\n".join(parts) + "\n"


def _machines(rows: Sequence[Row]) -> list[str]:
    found = {json.dumps(row["machine"], sort_keys=True) for row in rows}
    lines = []
    for each in map(json.loads, sorted(found)):
        versions = ", ".join(f"{name} {number}" for name, number in each["versions"].items())
        lines.append(
            f"{each['processor']}, {each['cores']} cores, {each['memory_gb']} GB; Python {each['python']}; {versions}."
        )
    return [*lines, "Medians; each side ran in a process of its own. Peak RSS is the whole process's."]


def _table(rows: Sequence[Row]) -> list[str]:
    table = ["| what | ours | peer | unit | ratio | goal | met |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}x"
        table.append(
            f"| {row['name']} | {_number(row['ours'])} | {_number(row['peer'])} | {row['unit']} | {ratio} "
            f"| {row['goal']} | {'yes' if row['met'] else '**no**'} |"
        )
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _details(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        facts = [f"{key}: {_plain(value)}" for key, value in row["detail"].items()]
        lines += [f"- {row['name']}. " + "; ".join(facts)] if facts else []
    return lines


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return _number(value) if isinstance(value, float) else str(value)
