"""Memory and latency of the API while large adapters are published and read, on a real Postgres or on SQLite.

    python -m bench.blobs [--megabytes 500] [--at-once 10] [--sqlite] [--out build/blobs.json]

One adapter is imported and exported alone, then several at once, half of them on their way in and half out. Printed
are the API process's memory above what it holds when idle, the time, and the latency of `GET /healthz` meanwhile.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from math import prod
from pathlib import Path

import httpx
import numpy as np
import torch

if __name__ == "__main__":  # under pytest the tests' own modules are found already
    sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.servers import free_port, running_postgres, sqlite_template
from support.tiny_backbone import write_tiny

from app.settings import Settings
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.architecture import EMBEDDING_MATRICES
from ltp.backbone.manifest import read_manifest
from ltp.backbone.strategy import STRATEGIES
from ltp.delta.delta import Delta
from ltp.ticket.mask import Ticket

MIB = 1 << 20
HIDDEN = 384
PIECE = 1 << 20
"""Bytes a client sends or takes at a time."""


def large_backbone(directory: Path, megabytes: int) -> Path:
    """A backbone with so many rows of embeddings that everything an fp32 adapter can change is `megabytes` large."""
    return write_tiny(directory, layers=2, hidden=HIDDEN, spare_rows=megabytes * 1_000_000 // (4 * HIDDEN))


def large_export(path: Path, backbone: Path, *, seed: int) -> Path:
    """An export whose adapter changes every parameter, with no two alike."""
    info = read_manifest(backbone)
    shapes = STRATEGIES["decoupled"].selectable_shapes(info.shapes)
    generator = np.random.default_rng(seed)
    masks = {name: _ones(prod(shape)) for name, shape in sorted(shapes.items())}
    size = sum(map(prod, shapes.values()))
    ticket = Ticket(masks, shapes, size, size, 0, "decoupled", info.fingerprint)
    values = {name: torch.from_numpy(generator.random(prod(shapes[name]), np.float32) - 0.5) for name in masks}
    rows = {name: torch.arange(shapes[name][0]) for name in masks if name in EMBEDDING_MATRICES}
    Adapter(
        prompt=torch.zeros(4, info.hidden),
        delta=Delta(values, dict.fromkeys(values, 0), rows),
        method="ltp",
        strategy="decoupled",
        backbone=info.fingerprint,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=64),
    ).save(path, ticket=ticket, notes=json.dumps({"lang": "en"}))
    return path


def _ones(bits: int) -> np.ndarray:
    mask = np.full(-(-bits // 8), 255, np.uint8)
    if bits % 8:
        mask[-1] = (1 << bits % 8) - 1
    return mask


@dataclass
class Figures:
    """What one phase cost. Memory is the most above idle, in MB: all of the process's, and without pages of files."""

    phase: str
    megabytes: float
    seconds: float = 0.0
    idle_mb: float = 0.0
    rss_mb: float = 0.0
    anonymous_mb: float = 0.0
    healthz_ms: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        latency = ", ".join(f"{name} {value:.0f}" for name, value in self.healthz_ms.items())
        return (
            f"{self.phase}: {self.megabytes:.0f} MB in {self.seconds:.1f} s; "
            f"memory above idle {self.anonymous_mb:.1f} MB (with mapped files {self.rss_mb:.1f}); "
            f"healthz ms: {latency}"
        )


class Api:
    """`ltp api` as a process of its own, with a client's calls and a process that measures memory and latency."""

    def __init__(self, settings: Settings) -> None:
        command = [str(Path(sys.executable).with_name("ltp")), "api"]
        self.process = subprocess.Popen(command, env=settings.environment(), stdin=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{settings.port}"

    def wait_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"{self.url} did not become ready")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def bring_in(self, path: Path) -> str:
        """Import a file; return the adapter's id."""
        with path.open("rb") as file, httpx.Client(timeout=3600, trust_env=False) as client:
            response = client.post(f"{self.url}/adapters/import", files={"file": ("export", file)})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def take_out(self, adapter_id: str) -> int:
        """Export an adapter; return the bytes that came."""
        size = 0
        with (
            httpx.Client(timeout=3600, trust_env=False) as client,
            client.stream("GET", f"{self.url}/adapters/{adapter_id}/export") as response,
        ):
            assert response.status_code == 200, response.read()
            for piece in response.iter_raw(PIECE):
                size += len(piece)
        return size

    @contextmanager
    def watched(self, phase: str, megabytes: float) -> Iterator[Figures]:
        """Measure what happens inside."""
        watch = subprocess.Popen(
            [sys.executable, "-m", "bench.process_monitor", self.url, str(self.process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watch.stdin is not None
        assert watch.stdout is not None
        watch.stdout.readline()
        figures, began = Figures(phase, megabytes), time.monotonic()
        try:
            yield figures
        finally:
            figures.seconds = time.monotonic() - began
            seen = json.loads(watch.communicate()[0])
        figures.idle_mb = seen["idle_mb"][0]
        figures.rss_mb, figures.anonymous_mb = (
            most - idle for most, idle in zip(seen["most_mb"], seen["idle_mb"], strict=True)
        )
        figures.healthz_ms = seen["healthz_ms"]


@contextmanager
def running_api(directory: Path, backbone: Path, *, sqlite: bool) -> Iterator[Api]:
    """An API on a database of its own."""
    with ExitStack() as stack:
        if sqlite:
            url = f"sqlite:///{sqlite_template(directory)}"
        else:
            url = stack.enter_context(stack.enter_context(running_postgres()).database())
        api = Api(
            Settings(
                _env_file=None,
                database_url=url,
                data_dir=directory / "data",
                backbone=str(backbone),
                port=free_port(),
                auth="off",
                log_level="warning",
            )
        )
        stack.callback(api.stop)
        api.wait_ready()
        yield api


def alone(api: Api, export: Path) -> list[Figures]:
    """Bring one adapter in, and take it out."""
    size = export.stat().st_size / 1e6
    with api.watched("one published", size) as published:
        adapter = api.bring_in(export)
    with api.watched("one read", size) as read:
        assert api.take_out(adapter) >= export.stat().st_size
    return [published, read]


def together(api: Api, exports: list[Path], *, at_once: int) -> Figures:
    """Half of `at_once` on their way in, half out."""
    size = exports[0].stat().st_size
    there = api.bring_in(exports[0])
    calls: list[Callable[[], object]] = [
        partial(api.take_out, there) if index % 2 else partial(api.bring_in, exports[index % len(exports)])
        for index in range(at_once)
    ]
    with (
        api.watched(f"{at_once} at once", at_once * size / 1e6) as figures,
        ThreadPoolExecutor(at_once) as pool,
    ):
        for done in [pool.submit(call) for call in calls]:
            done.result()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--sqlite", action="store_true", help="instead of Postgres")
    parser.add_argument("--out", type=Path, default=Path("build/blobs.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ltp-blobs-") as folder:
        directory = Path(folder)
        backbone = large_backbone(directory / "backbone", options.megabytes)
        exports = [large_export(directory / f"export-{seed}", backbone, seed=seed) for seed in range(2)]
        with running_api(directory, backbone, sqlite=options.sqlite) as api:
            with api.watched("idle", 0) as idle:
                time.sleep(5)
            figures = [idle, *alone(api, exports[0]), together(api, exports, at_once=options.at_once)]
            print(f"{'SQLite' if options.sqlite else 'Postgres'}; the idle API holds {idle.idle_mb:.0f} MB")
    for each in figures:
        print(each)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
