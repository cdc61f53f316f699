"""Serving more adapters than fit fused: throughput, latency and memory from half as many to twice as many."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import torch

from bench import made_up
from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, pairs
from bench.serving_precision import chosen
from bench.side import Measured, run, status_mb
from ltp.backbone.load import load_backbone
from ltp.config import Precision
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest

NUMBER, TITLE = 6, "Three tiers, no cliff: 4 base adapters (20 %) fit fused, requests of 8 pairs"
FIT, PAIRS = 4, 8
LOADS = {"0.5x": 2, "1x": 4, "2x": 8}
GOALS = {"1x": 0.85, "2x": 0.85, "none fused": 0.5}
REQUESTS, RUN, UNCOUNTED = 120, 40, 24
"""Timed requests, how many of them make a run, and those before."""
COMPACT_BYTES = 1 << 30


def figures(options: Options) -> Iterator[Figure]:
    """A row for each step up in load, its peer being the load before, and one for all adapters answering unfused."""
    given = {"precision": chosen(), "data": options.data}
    measured = {load: run(f"{__name__}:traffic", adapters=count, **given) for load, count in LOADS.items()}
    measured["none fused"] = run(f"{__name__}:traffic", adapters=LOADS["2x"], fit=0, **given)
    for before, after in (("0.5x", "1x"), ("1x", "2x"), ("1x", "none fused")):
        yield Figure.faster(
            NUMBER,
            f"throughput, {_named(after)}, {given['precision']}",
            measured[after],
            measured[before],
            unit="pairs",
            limit=GOALS[after],
            peer_is=f"this engine, {_named(before)}",
        )


def _named(load: str) -> str:
    return load if load == "none fused" else f"{load} as many adapters in traffic as fit"


def traffic(adapters: int, precision: Precision, data: str | None, fit: int = FIT) -> Measured:
    """Requests one after the other, each for an adapter chosen at random."""
    base = load_backbone(backbone("base"))
    ticket = made_up.ticket(backbone=base.info.fingerprint)
    shelf = {f"{seed}": (made_up.adapter(ticket, seed=seed), ticket) for seed in range(adapters)}
    one = _fused_bytes(base, shelf, precision)
    engine = Engine(
        base,
        source=shelf.__getitem__,
        precision=precision,
        fused_bytes=int(fit * one),
        compact_bytes=COMPACT_BYTES,
    )
    chance, texts = random.Random(0), pairs(data, 1024)
    seconds: list[float] = []
    for _ in range(2):  # an adapter is fused when it is asked for again
        engine.predict([PairRequest(key, "a", "b") for key in shelf])
    for number in range(UNCOUNTED + REQUESTS):
        key, asked = chance.choice([*shelf]), chance.sample(texts, PAIRS)
        if number == UNCOUNTED:
            before = engine.stats()
        began = time.perf_counter()
        engine.predict([PairRequest(key, premise, hypothesis) for premise, hypothesis, _ in asked])
        seconds.append(time.perf_counter() - began)
    counted = seconds[UNCOUNTED:]
    runs = [sum(counted[first : first + RUN]) for first in range(0, REQUESTS, RUN)]
    return Measured(runs, units=RUN * PAIRS, detail=_detail(counted, before, engine.stats()))


def _fused_bytes(base: Any, shelf: Any, precision: Precision) -> float:
    """What one adapter takes when it is fused."""
    engine = Engine(base, source=shelf.__getitem__, precision=precision)
    for _ in range(2):
        engine.predict([PairRequest("0", "a", "b")])
    return engine.stats()["fused_bytes"]


def _detail(seconds: list[float], before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    percentiles = quantiles(seconds, n=100)
    hits, misses = (after[f"fused_{figure}"] - before[f"fused_{figure}"] for figure in ("hits", "misses"))
    return {
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
        "fused_hit_ratio": hits / (hits + misses),
        "fused_mb": after["fused_bytes"] / 1e6,
        "compact_mb": after["compact_bytes"] / 1e6,
        "rss_mb": status_mb("VmRSS"),
        "threads": torch.get_num_threads(),
    }
