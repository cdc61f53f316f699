"""Predictions over HTTP: how much of the engine's own throughput is left, and what waiting costs, idle and overrun."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bench import load_clients
from bench.figure import Figure
from bench.lines import Options
from bench.material import mini, pairs
from bench.service import Service, serving
from bench.side import Measured, run, timed

if TYPE_CHECKING:
    from app.settings import Settings

NUMBER, TITLE = 9, "HTTP: micro-batching, waiting, and more than it can take"
LANGUAGES = ("en", "es", "sw", "ur")
CLIENTS, PAIRS, REQUESTS = 16, 8, 448
"""So few clients that also without bf16 in the processor nobody waits for longer than MAX_WAIT_S."""
SHARE, LOAD, TAIL, TIMES, LAG_MS = 0.95, 0.7, 6, 10, 10
FLAT = 1.05
"""Most memory at ten times the capacity over most memory at the capacity: what waits is bounded, so little is new."""
CONNECTIONS = 480
"""Fewer than MAX_CONNECTIONS, so that it is the queue which refuses."""
WARMUP = CLIENTS
"""Requests before those that count: they bring the adapters into memory."""
POISSON_S, OVERRUN_S = 50.0, 30.0
PEER = (
    f"Engine.predict in a process of its own, the same pairs and adapters, precision and settings, {CLIENTS * PAIRS} "
    "pairs at a time"
)


def figures(options: Options) -> Iterator[Figure]:
    """Throughput first: the other loads are multiples of it."""
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        run(f"{__name__}:exports", folder=folder)
        engine = run(f"{__name__}:engine", folder=folder, data=options.data)
        with serving() as service:
            for lang in LANGUAGES:
                bring_in(service, Path(folder) / f"{lang}.safetensors", lang)
            with service.watched() as memory:
                full = run(f"{__name__}:full", port=service.port, data=options.data)
            yield throughput(service, full, engine)
            yield from waiting(service, full.rate, options)
            yield from overrun(service, full.rate, options, usual_mb=max(memory))


def throughput(service: Service, full: Measured, engine: Measured) -> Figure:
    served = json.loads(service.get("/backbone"))
    return Figure.faster(
        NUMBER,
        f"throughput, {CLIENTS} clients, {PAIRS} pairs a request",
        full,
        engine,
        unit="pairs",
        limit=SHARE,
        peer_is=PEER,
        adapters=len(LANGUAGES),
        serving=f"{served['precision']} ({served['precision_reason']})",
    )


def waiting(service: Service, capacity: float, options: Options) -> Iterator[Figure]:
    rate = LOAD * capacity / PAIRS
    found = run(f"{__name__}:poisson", port=service.port, data=options.data, rate=rate, seconds=POISSON_S).detail
    yield Figure.compared(
        NUMBER,
        f"p99 beside p50, Poisson arrivals at {LOAD:.0%} of that",
        "ms",
        ours=found["p99_ms"],
        peer=found["p50_ms"],
        goal="at most",
        limit=TAIL,
        arrivals_a_second=rate,
        **found,
    )


def overrun(service: Service, capacity: float, options: Options, *, usual_mb: float) -> Iterator[Figure]:
    """Ten times what it can take."""
    rate, before = TIMES * capacity / PAIRS, service.figures()
    with service.watched() as memory:
        measured = run(f"{__name__}:poisson", port=service.port, data=options.data, rate=rate, seconds=OVERRUN_S)
    after, found = service.figures(), measured.detail
    what = f"at {TIMES} times the capacity"
    told = {"arrivals_a_second": rate, **found}
    yield Figure.compared(
        NUMBER,
        f"memory {what} beside memory at the capacity",
        "MB RSS",
        ours=max(memory),
        peer=usual_mb,
        goal="at most",
        limit=FLAT,
        before_mb=memory[0],
        after_a_third_mb=max(memory[: len(memory) // 3]),
        after_mb=memory[-1],
        waiting_at_most=f"{shipped().queue_pairs} pairs, {CONNECTIONS} clients",
    )
    refused = found["statuses"].get("429", 0)
    others = sum(found["statuses"].values()) - found["statuses"].get("200", 0) - refused
    yield Figure.absolute(
        NUMBER,
        f"answers that are neither 200 nor 429 with Retry-After, {what}",
        "answers",
        others + found["without_retry_after"],
        goal="at most",
        limit=0,
        **told,
    )
    yield Figure.absolute(
        NUMBER,
        f"p99 of accepted requests, {what}",
        "ms",
        found["p99_ms"],
        goal="at most",
        limit=round(1000 * shipped().max_wait_s),
        bound="MAX_WAIT_S, what the settings promise",
        pairs_a_second=measured.rate,
    )
    yield Figure.absolute(
        NUMBER,
        f"event loop's lag, p99.9, {what}",
        "ms",
        1000 * quantile(before, after, "ltp_event_loop_lag_seconds", 0.999),
        goal="at most",
        limit=LAG_MS,
        looks=after["ltp_event_loop_lag_seconds_count"] - before["ltp_event_loop_lag_seconds_count"],
        measured_by="ltp_event_loop_lag_seconds of /metrics, interpolated in its buckets as Prometheus does",
    )


def shipped() -> Settings:
    """What the service is started with."""
    from app.settings import Settings

    return Settings(_env_file=None)


def quantile(before: dict[str, float], after: dict[str, float], name: str, share: float) -> float:
    """A quantile of what a histogram counted between two looks, by linear interpolation in its bucket."""
    prefix = f'{name}_bucket{{le="'
    bounds = [key[len(prefix) : -2] for key in after if key.startswith(prefix)]
    counts = [after[f'{prefix}{bound}"}}'] - before[f'{prefix}{bound}"}}'] for bound in bounds]
    wanted, lower, below = share * counts[-1], 0.0, 0.0
    for bound, count in zip(map(float, bounds), counts, strict=True):
        if count >= wanted:
            return math.inf if math.isinf(bound) else lower + (bound - lower) * (wanted - below) / (count - below)
        lower, below = bound, count
    return math.inf


def bring_in(service: Service, file: Path, lang: str) -> None:
    """Import an adapter under a language."""
    with file.open("rb") as export:
        parts: dict[str, Any] = {"file": ("export", export), "request": (None, json.dumps({"lang": lang}))}
        answer = httpx.post(f"{service.url}/adapters/import", files=parts, timeout=120, trust_env=False)
    assert answer.status_code == 201, answer.text


def asked(data: str | None) -> list[tuple[str, list[load_clients.Pair]]]:
    """The requests in the order they are sent: a language and its pairs."""
    found = [(premise, hypothesis) for premise, hypothesis, _ in pairs(data, REQUESTS * PAIRS)]
    return [(LANGUAGES[i % len(LANGUAGES)], found[i * PAIRS : (i + 1) * PAIRS]) for i in range(REQUESTS)]


def full(port: int, data: str | None) -> Measured:
    """Clients that never pause."""
    requests = [load_clients.request(lang, found) for lang, found in asked(data)]
    tally = load_clients.keep_asking(port, requests[:WARMUP] + requests, clients=CLIENTS, warmup=WARMUP)
    answered = tally.statuses[200]
    assert answered == len(requests), tally.statuses
    return Measured([tally.took], answered * PAIRS, tally.summary())


def poisson(port: int, data: str | None, rate: float, seconds: float) -> Measured:
    """Clients that come by chance."""
    requests = [load_clients.request(lang, found) for lang, found in asked(data)]
    tally = load_clients.arrive(port, requests, rate=rate, seconds=seconds, most=CONNECTIONS)
    return Measured([tally.took], tally.statuses[200] * PAIRS, tally.summary())


def exports(folder: str) -> Measured:
    """Write adapters of a random 10 % of the layers, with values of a trained one's size."""
    import numpy as np
    import torch

    from ltp.adapter.artefact import Adapter, TemplateOptions
    from ltp.backbone.manifest import read_manifest
    from ltp.backbone.strategy import STRATEGIES
    from ltp.delta.delta import encode
    from ltp.ticket.mask import Ticket

    info, chance = read_manifest(mini()), np.random.default_rng(0)
    shapes = STRATEGIES["decoupled"].selectable_shapes(info.shapes)
    bits = {
        name: chance.random(math.prod(shape)) < 0.1
        for name, shape in sorted(shapes.items())
        if name.startswith("roberta.encoder")
    }
    masks = {name: np.packbits(active, bitorder="little") for name, active in bits.items()}
    size = sum(map(len, bits.values()))
    ticket = Ticket(masks, shapes, size, size, 0, "decoupled", info.fingerprint)
    for seed, lang in enumerate(LANGUAGES):
        noise = torch.Generator().manual_seed(seed)
        changes = {name: torch.randn(count, generator=noise) * 1e-3 for name, count in sorted(ticket.counts.items())}
        Adapter(
            prompt=torch.randn(4, info.hidden, generator=noise) * 0.02,
            delta=encode(changes, ticket),
            method="ltp",
            strategy=ticket.strategy,
            backbone=info.fingerprint,
            ticket_sha256=ticket.sha256,
            template=TemplateOptions(literal=False, max_length=256),
        ).save(Path(folder) / f"{lang}.safetensors", ticket=ticket)
    return Measured([1.0])


def engine(folder: str, data: str | None) -> Measured:
    """What is left without HTTP: the engine called directly."""
    from app.settings import MIB, Settings
    from ltp.adapter.artefact import read_export
    from ltp.backbone.load import load_backbone
    from ltp.engine.engine import Engine
    from ltp.engine.pairs import PairRequest
    from ltp.engine.precision import choose_precision

    Settings.before_torch()
    settings, backbone = Settings(_env_file=None), load_backbone(mini())
    exported = {lang: read_export(Path(folder) / f"{lang}.safetensors", backbone.info) for lang in LANGUAGES}
    asking = [PairRequest(lang, *pair) for lang, found in asked(data) for pair in found]
    at_once = CLIENTS * PAIRS
    batches = [asking[start : start + at_once] for start in range(0, len(asking), at_once)]
    ours = Engine(
        backbone,
        source=lambda lang: (exported[lang].adapter, exported[lang].ticket),
        precision=choose_precision(backbone, "cpu").precision,
        fused_bytes=settings.fused_mb and settings.fused_mb * MIB,
        compact_bytes=settings.compact_mb * MIB,
        max_tokens=settings.max_tokens,
    )
    ours.predict(batches[0])
    return Measured(timed(lambda: [ours.predict(batch) for batch in batches], runs=1, warmup=0), len(asking))
