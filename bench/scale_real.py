"""The real run of `bench.scale`: three API processes on one database behind HAProxy, by adapter and by connections.

The backbone is `mini`, the adapters are made up: seeded values at a ticket over its middle layers. Requests have one
pair and come three at a time; what is counted is what each process says in `/metrics`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from math import prod
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import numpy as np
import torch

from app.registry import imports
from app.registry.adapter_notes import AdapterNotes
from app.storage.blobs import BlobStore
from app.storage.database import Database
from bench.material import backbone, pairs
from bench.service import _free_port
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.manifest import BackboneInfo, read_manifest
from ltp.backbone.strategy import STRATEGIES
from ltp.config import TicketConfig
from ltp.delta.delta import encode
from ltp.drift.stored import Drift
from ltp.ticket.mask import Ticket
from ltp.ticket.selection import select
from ltp_client.routing import HEADER

TENANT = "default"
REPLICAS, ADAPTERS, ZIPF = 3, 60, 1.1
REQUESTS, AT_ONCE = 400, 3
FUSED, COMPACT = 12, 24
"""Adapters that fit into one process in either form."""
FUSED_MB = 28.5
"""What one takes fused: the attention and feed-forward matrices of four layers of mini, in fp32."""
CONFIGURATION = Path(__file__).parents[1] / "deploy" / "proxy" / "haproxy.cfg"


def made_up_ticket(info: BackboneInfo) -> Ticket:
    """A fifth of the middle layers."""
    chance = np.random.default_rng(0)
    shapes = dict(sorted(STRATEGIES["frozen_embeddings"].selectable_shapes(info.shapes).items()))
    values = {
        name: torch.from_numpy(np.abs(chance.standard_normal(prod(shape), np.float32)) + 1e-3).half().view(shape)
        for name, shape in shapes.items()
    }
    drift = Drift(values, {}, 0, "frozen_embeddings", info.fingerprint, shapes)
    return select(drift, TicketConfig(active_ratio=0.2, layers="middle"))


def made_up_adapter(ticket: Ticket, hidden: int, *, seed: int) -> Adapter:
    chance = torch.Generator().manual_seed(seed)
    changes = {name: torch.randn(count, generator=chance) * 1e-3 for name, count in ticket.counts.items()}
    return Adapter(
        prompt=torch.randn(4, hidden, generator=chance) * 0.02,
        delta=encode(changes, ticket, rows={}),
        method="ltp",
        strategy=ticket.strategy,
        backbone=ticket.backbone,
        ticket_sha256=ticket.sha256,
        template=TemplateOptions(literal=False, max_length=256),
    )


def fill(url: str, info: BackboneInfo, folder: Path) -> tuple[list[str], int]:
    """Put the adapters into a database; return their ids, and the bytes of one."""
    db = Database(url)
    db.migrate()
    store, ticket = BlobStore(db), made_up_ticket(info)
    staged = imports.stage_mask(store, ticket, folder, tenant=TENANT)
    with db.write() as session:
        made: dict[str, Any] = {"backbone": ticket.backbone, "strategy": ticket.strategy, "config": ticket.config}
        ticket_id = imports.add_ticket(session, staged, tenant=TENANT, **made).id
    known, size = [], 0
    for seed in range(ADAPTERS):
        made_up_adapter(ticket, info.hidden, seed=seed).save(folder / "adapter")
        blob = store.stage(TENANT, folder / "adapter")
        size = blob.size
        notes = AdapterNotes({}, {}, {})
        one = imports.ImportedAdapter(blob.id, size, "sw", None, "ltp", info.fingerprint, seeds=1, notes=notes)
        with db.write() as session:
            known.append(imports.add_adapter(session, one, tenant=TENANT, ticket_id=ticket_id, alias=None).id)
    db.close()
    return known, size


@contextmanager
def started(command: Sequence[str], port: int, environment: dict[str, str], path: str) -> Iterator[httpx.Client]:
    """A process, once it answers 200 at a path, and its end."""
    process = subprocess.Popen(list(command), env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as http:
            last = time.monotonic() + 600
            while not _answers(http, path):
                if process.poll() is not None or time.monotonic() > last:
                    raise RuntimeError(f"{command[0]} did not start")
                time.sleep(0.1)
            yield http
    finally:
        process.terminate()
        process.wait()


def _answers(http: httpx.Client, path: str) -> bool:
    try:
        return http.get(path).status_code == 200
    except httpx.HTTPError:
        return False


def figures(apis: Sequence[httpx.Client]) -> Counter[str]:
    """Hits and misses of all processes together."""
    total: Counter[str] = Counter()
    for http in apis:
        for line in http.get("/metrics").text.splitlines():
            name, _, value = line.rpartition(" ")
            if name.startswith(("ltp_engine_hits", "ltp_engine_misses")):
                total[name] += int(float(value))
    return total


def traffic(http: httpx.Client, adapters: Sequence[str], *, named: bool, seed: int) -> list[float]:
    """Send requests and return the seconds of each; with the header or without."""
    chance, texts = random.Random(seed), pairs(None, 256)
    shares = list(accumulate(rank**-ZIPF for rank in range(1, len(adapters) + 1)))

    def send(adapter: str) -> float:
        premise, hypothesis, _ = texts[hash(adapter) % len(texts)]
        body = {"adapter": adapter, "pairs": [{"premise": premise, "hypothesis": hypothesis}]}
        began = time.perf_counter()
        http.post("/predict", json=body, headers={HEADER: adapter} if named else {}).raise_for_status()
        return time.perf_counter() - began

    with ThreadPoolExecutor(AT_ONCE) as clients:
        return list(clients.map(send, chance.choices(adapters, cum_weights=shares, k=REQUESTS)))


def measured(*, named: bool, folder: Path) -> dict[str, Any]:
    """Start everything anew, send the traffic twice, and count the second time."""
    info = read_manifest(backbone("mini"))
    url = f"sqlite:///{folder / 'ltp.sqlite3'}"
    adapters, size = fill(url, info, folder)
    ltp = str(Path(sys.executable).with_name("ltp"))
    with ExitStack() as stack:
        ports = [_free_port() for _ in range(REPLICAS)]
        settings = {
            "LTP_DATABASE_URL": url,
            "LTP_DATA_DIR": str(folder),
            "LTP_BACKBONE": str(info.directory),
            "LTP_AUTH": "off",
            "LTP_STARTER": "off",
            "LTP_PRECISION": "fp32",
            "LTP_FUSED_MB": str(int(FUSED * FUSED_MB * 1e6 / 2**20)),
            "LTP_COMPACT_MB": str(int(COMPACT * size / 2**20)),
            "OMP_NUM_THREADS": "1",
        }
        apis = [
            stack.enter_context(started([ltp, "api", "--port", str(port)], port, {**os.environ, **settings}, "/readyz"))
            for port in ports
        ]
        port = _free_port()
        replicas = {f"LTP_REPLICA_{number}": f"127.0.0.1:{each}" for number, each in enumerate(ports, 1)}
        environment = {**os.environ, **replicas, "LTP_PROXY_BIND": f"127.0.0.1:{port}"}
        proxy = stack.enter_context(started(["haproxy", "-f", str(CONFIGURATION)], port, environment, "/readyz"))
        traffic(proxy, adapters, named=named, seed=1)
        before = figures(apis)
        seconds = traffic(proxy, adapters, named=named, seed=2)
        counted = figures(apis)
        counted.subtract(before)
    percentiles = quantiles(seconds, n=100)
    fetched = counted['ltp_engine_misses_total{cache="compact"}']
    hits, misses = (counted[f'ltp_engine_{each}_total{{cache="fused"}}'] for each in ("hits", "misses"))
    return {
        "spread": "by adapter" if named else "least connections",
        "fused": hits / (hits + misses),
        "fetched": fetched,
        "MB fetched": fetched * size / 1e6,
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
        "MB an adapter": size / 1e6,
    }


def main() -> None:
    for named in (False, True):
        with tempfile.TemporaryDirectory(prefix="ltp-scale-") as folder:
            print(measured(named=named, folder=Path(folder)), flush=True)
