"""From the registry to the first answer, and from one adapter to another; applying in place for comparison."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import cast

import torch

from app.inference.adapter_source import AdapterKey, RegistrySource
from app.registry import imports
from app.registry.adapter_notes import AdapterNotes
from app.storage.blobs import BlobStore
from app.storage.database import Database
from bench import made_up
from bench.figure import Figure
from bench.lines import Options
from bench.material import base, pairs
from bench.side import Measured, run, timed
from ltp.adapter.artefact import Adapter
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.load import load_backbone
from ltp.compute.buffers import allocate
from ltp.compute.masked_add import fuse_all
from ltp.config import Precision
from ltp.delta.fuse import fuse_task, overlay, positions_in
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.model.arithmetic import DTYPES
from ltp.ticket.mask import Ticket

NUMBER, TITLE = 7, "Activation of a 20 % adapter of XLM-R base"
COLD_S, FASTER = 0.5, 6
ADAPTERS = 6
TENANT = "default"
PEER = "composable-sft's way: model.get_parameter(name) -= and += a coalesced sparse COO difference, fp32"


def figures(options: Options) -> Iterator[Figure]:
    """Cold, by precision; switching; exactness after it."""
    for precision in DTYPES:
        cold = run(f"{__name__}:cold", data=options.data, precision=precision)
        for what, seconds in (
            ("fused tier full; the ticket's mask in memory", cold.median),
            ("a new engine, nothing fused yet", float(cold.detail["new_s"])),
            ("room in the fused tier, so it may be fused to stay", float(cold.detail["roomy_s"])),
        ):
            yield Figure.absolute(
                NUMBER,
                f"cold, SQLite to first answer, {precision} ({what})",
                "s",
                seconds,
                goal="at most",
                limit=COLD_S,
                runs=cold.summary(),
            )
    ours, peer = run(f"{__name__}:switch"), run(f"{__name__}:apply_and_revert")
    yield Figure.faster(
        NUMBER, "switch between two in memory, fp32", ours, peer, unit="switches", limit=FASTER, peer_is=PEER
    )
    yield Figure.absolute(
        NUMBER,
        "weights that switching there and back leaves different",
        "weights",
        float(ours.detail["off"]),
        goal="at most",
        limit=0,
        peer=peer.detail["off"],
    )


def cold(data: str | None, precision: Precision) -> Measured:
    """As the service does it; what is read may be in the kernel's cache, as after publishing."""
    backbone = load_backbone(base())
    premise, hypothesis, _ = pairs(data, 1)[0]
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        keys, size = _publish(f"sqlite:///{folder}/ltp.db", backbone.info.fingerprint, Path(folder))
        source = RegistrySource(Database(f"sqlite:///{folder}/ltp.db"), backbone.info)
        fetching: list[float] = []

        def timed_source(key: str) -> tuple[Adapter, Ticket | None]:
            began = time.perf_counter()
            found = source(key)
            fetching.append(time.perf_counter() - began)
            return found

        def first_answer(engine: Engine, key: str) -> float:
            engine.drop(key)
            began = time.perf_counter()
            engine.predict([PairRequest(key, premise, hypothesis)])
            return time.perf_counter() - began

        engine = partial(Engine, backbone, source=timed_source, precision=precision)
        full = engine(fused_bytes=0)
        first_answer(full, keys[0])
        fetching.clear()
        seconds = [first_answer(full, key) for key in [*keys[1:], *keys[1:]]]
        detail = {"megabytes": size / 1e6, "of_it_registry_s": median(fetching)}
        began = time.perf_counter()
        full.predict([PairRequest(keys[-1], premise, hypothesis)])
        detail["next_answer_s"] = time.perf_counter() - began
        detail["new_s"] = median(first_answer(engine(fused_bytes=0), key) for key in keys[1:4])
        del full
        roomy = engine()
        first_answer(roomy, keys[0])
        detail["roomy_s"] = median(first_answer(roomy, key) for key in keys[1:])
    return Measured(seconds, detail=detail)


def _publish(url: str, fingerprint: str, folder: Path) -> tuple[list[AdapterKey], int]:
    """Fill a registry of its own; return what the engine knows the adapters by, and the size of one."""
    db = Database(url)
    db.migrate()
    store, ticket = BlobStore(db), made_up.ticket(backbone=fingerprint)
    staged = imports.stage_mask(store, ticket, folder, tenant=TENANT)
    assert staged is not None
    with db.write() as session:
        made = {"backbone": ticket.backbone, "strategy": ticket.strategy, "config": ticket.config}
        ticket_id = imports.add_ticket(session, staged, tenant=TENANT, **made).id
    keys = []
    for seed in range(ADAPTERS):
        made_up.adapter(ticket, seed=seed).save(folder / "adapter")
        blob = store.stage(TENANT, folder / "adapter")
        size = blob.size
        one = imports.ImportedAdapter(
            blob.id, size, "sw", None, "ltp", fingerprint, seeds=1, notes=AdapterNotes({}, {}, {})
        )
        with db.write() as session:
            adapter = imports.add_adapter(session, one, tenant=TENANT, ticket_id=ticket_id, alias=None)
            keys.append(AdapterKey(TENANT, adapter.id))
    db.close()
    return keys, size


def _two() -> tuple[dict[str, torch.Tensor], Ticket, list[Adapter]]:
    """Pristine weights, and two adapters of one ticket."""
    ticket = made_up.ticket()
    random = torch.Generator().manual_seed(1)
    weights = {name: torch.randn(ticket.shapes[name], generator=random) * 0.02 for name in ticket.masks}
    return weights, ticket, [made_up.adapter(ticket, seed=seed) for seed in range(2)]


def switch() -> Measured:
    """Fuse from compact into the same buffers, whatever they held; word embeddings as an overlay of rows."""
    weights, ticket, adapters = _two()
    names = [name for name in weights if name != WORD_EMBEDDINGS]
    buffers = dict(zip(names, allocate((weights[name].shape, torch.float32) for name in names), strict=True))
    before = {name: weights[name].clone() for name in weights}

    def to(number: int) -> dict[str, torch.Tensor]:
        delta = adapters[number].delta
        fuse_all(fuse_task(buffers[name], weights[name], delta, ticket, name) for name in names)
        rows = overlay(weights, delta, ticket)
        assert rows is not None
        return {**buffers, WORD_EMBEDDINGS: rows.values}

    first = {name: tensor.clone() for name, tensor in to(0).items()}
    seconds = timed(lambda: (to(1), to(0)), runs=7)
    off = _off(first, to(0)) + _off(before, weights)
    return Measured(seconds, units=2, detail={"off": off, "megabytes_an_adapter": adapters[0].nbytes / 1e6})


def apply_and_revert() -> Measured:
    """Take one off the model, in place, and put the other on."""
    weights, ticket, adapters = _two()
    differences = [
        {name: _sparse(adapter, ticket, name) for name in adapter.delta.values if len(adapter.delta.values[name])}
        for adapter in adapters
    ]
    before = {name: tensor.clone() for name, tensor in weights.items()}

    def add(number: int) -> None:
        for name, difference in differences[number].items():
            weights[name] += difference

    def take(number: int) -> None:
        for name, difference in differences[number].items():
            weights[name] -= difference

    add(0)
    seconds = timed(lambda: (take(0), add(1), take(1), add(0)), runs=3)
    take(0)
    held = sum(each.indices().nbytes + each.values().nbytes for each in differences[0].values())
    return Measured(seconds, units=2, detail={"off": _off(before, weights), "megabytes_an_adapter": held / 1e6})


def _sparse(adapter: Adapter, ticket: Ticket, name: str) -> torch.Tensor:
    shape, flat = ticket.shapes[name], positions_in(adapter.delta, ticket, name)
    places = torch.stack(cast("tuple[torch.Tensor, ...]", torch.unravel_index(flat, shape)))
    return torch.sparse_coo_tensor(places, adapter.delta.decode(name), size=shape, check_invariants=False).coalesce()


def _off(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> int:
    return sum(int((one[name].view(torch.int32) != other[name].view(torch.int32)).sum()) for name in one)
