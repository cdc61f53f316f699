"""What refusing a bad body of eight megabytes costs the service: memory above idle, and time; now and before.

Each body is sent to a fresh `ltp serve` of this tree, and to one of an earlier commit: `--before` names that one, or a
folder with its tree.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from bench.figure import Figure
from bench.lines import Options
from bench.service import Service, serving

NUMBER, TITLE = 12, "Refusing a bad body of 8 MB, beside the service before refusing was made cheap"
BEFORE = "c34d342"
SIZE = 8 * 1024 * 1024 - 1024
RUNS = 3
BYTES, SECONDS = 10, 1.0
ROOT = Path(__file__).parents[2]
Shape = tuple[str, bytes]


def filled(head: str, element: Callable[[int], str], tail: str) -> bytes:
    """A body of `SIZE` bytes at most: numbered elements between head and tail."""
    elements, left, number = list[str](), SIZE - len(head) - len(tail), 0
    while (left := left - len(element(number)) - 1) > 0:
        elements.append(element(number))
        number += 1
    return (head + ",".join(elements) + tail).encode()


def pair(label: str, words: str = "The farmer walks to the market") -> Callable[[int], str]:
    """An example of usual length."""
    return lambda number: f'{{"premise":"{words} {number:06d}.","hypothesis":"{words}.","label":"{label}"}}'


SHAPES: dict[str, Callable[[], Shape]] = {
    "empty pairs": lambda: ("/predict", filled('{"pairs":[', lambda _: "{}", "]}")),
    "pairs, each of a new language": lambda: (
        "/predict",
        filled('{"pairs":[', lambda n: f'{{"lang":"sw-x-{n:08d}","premise":"a","hypothesis":"b"}}', "]}"),
    ),
    "unknown fields": lambda: ("/adapters", filled("{", lambda n: f'"{n:x}":0', "}")),
    "lists in a list": lambda: ("/adapters", filled('{"examples":[', lambda _: "[]", "]}")),
    "one text with an emoji": lambda: ("/predict", ('{"lang":"' + "x" * SIZE + '\U0001f600"}').encode()),
    "examples of an unknown label": lambda: (
        "/adapters",
        filled('{"lang":"en","examples":[', pair("perhaps"), "]}"),
    ),
    "good examples, the last without a label": lambda: (
        "/adapters",
        filled('{"lang":"en","examples":[', pair("neutral"), ',{"premise":"a","hypothesis":"b"}]}'),
    ),
    "short good examples, the last without a label": lambda: (
        "/adapters",
        filled('{"lang":"en","examples":[', pair("neutral", "Hi"), ',{"premise":"a","hypothesis":"b"}]}'),
    ),
    "good lines, the last blank": lambda: (
        "/tickets",
        filled('{"corpus":{"texts":[', lambda n: f'"{n} {"The farmer walks to town. " * 4}"', ',""]}}'),
    ),
}  # fmt: skip


def figures(options: Options) -> Iterator[Figure]:
    """Two rows a shape."""
    with before(options.before or BEFORE) as tree:
        for name, make in SHAPES.items():
            ours, peer = measured(ROOT, *make()), measured(tree, *make())
            kinds = (("memory", "bytes a byte", BYTES), ("time", "s", SECONDS))
            for kind, unit, limit in kinds:
                mine, theirs = float(ours[kind]), float(peer[kind])
                yield Figure(
                    NUMBER,
                    f"{name}, {kind}",
                    mine,
                    theirs,
                    unit,
                    mine / theirs,
                    f"at most {limit:g} {unit}",
                    mine <= limit,
                    {"now": ours, "before": peer} if kind == "memory" else {},
                )


@contextmanager
def before(where: str) -> Iterator[Path]:
    """The tree of an earlier commit, or a folder that holds it."""
    if Path(where).is_dir():
        yield Path(where)
        return
    command = ["git", "archive", where]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
            tree.extractall(folder, filter="data")
        yield Path(folder)


def measured(tree: Path, path: str, body: bytes) -> dict[str, float | str]:
    """Send a body to a fresh service of a tree, `RUNS` times: the most memory above idle, and the median time."""
    paths = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH")]))
    with serving(LTP_PRECISION="fp32", LTP_AUTH="off", PYTHONPATH=paths) as service:
        idle, seconds, longest, status = service.rss_mb(), list[float](), 0, 0
        with service.watched(every_s=0.01) as memory, httpx.Client(base_url=service.url, timeout=600) as client:
            for _ in range(RUNS):
                began = time.monotonic()
                answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
                seconds.append(time.monotonic() - began)
                longest, status = max(longest, len(answer.content)), answer.status_code
        peak = max(*memory, _peak_mb(service))
    return {
        "memory": 1e6 * (peak - idle) / len(body),
        "time": median(seconds),
        "idle_mb": idle,
        "peak_mb": peak,
        "bytes": len(body),
        "status": status,
        "answer_bytes": longest,
        "seconds": json.dumps([round(each, 2) for each in seconds]),
    }


def _peak_mb(service: Service) -> float:
    """The kernel's high-water mark of a service; the peak of its start is counted along."""
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1000
