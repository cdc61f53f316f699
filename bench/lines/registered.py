"""Ten thousand adapters in the registry beside a hundred: start, memory, and the latency of what does not ask for them.

Both registries hold the same few contents, as versions of one adapter would; `/predict` asks for the same hundred.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Figure
from bench.lines import Options
from bench.lines.http import LANGUAGES, exports
from bench.material import pairs
from bench.service import Service
from bench.side import Measured, run

NUMBER, TITLE = 17, "Adapters that are registered and not asked for: 10,000 beside 100, SQLite, mini"
FEW, MANY, VERSIONS = 100, 10_000, 4
"""Adapters, and how many of them each language has."""
ASKED, TAKEN, WARMUP = FEW // VERSIONS, 300, 60
"""Languages that predictions are asked for, and timed requests of each kind."""
SAME = 1.1
TENANT = "default"
Ask = Callable[[httpx.Client, int], httpx.Response]


def figures(options: Options) -> Iterator[Figure]:
    """Start, memory, and p50 and p99 of each kind of request."""
    few, many = (run(f"{__name__}:served", adapters=count, data=options.data).detail for count in (FEW, MANY))
    for what, unit in ((name, name.rsplit(", ", 1)[1]) for name in few):
        yield Figure.compared(
            NUMBER,
            f"{what.rsplit(', ', 1)[0]}, {MANY:,} registered beside {FEW}",
            unit,
            ours=many[what],
            peer=few[what],
            goal="at most",
            limit=SAME,
        )


def served(adapters: int, data: str | None) -> Measured:
    """A service on a registry of so many adapters, asked by one client."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        langs = fill(Path(folder), adapters)
        service = Service(Path(folder), {})
        try:
            found["start until ready, s"] = service.ready_s
            for name, seconds in latencies(service, langs[:ASKED], data).items():
                cut = statistics.quantiles(seconds, n=100)
                found |= {f"p50 of {name}, ms": 1000 * cut[49], f"p99 of {name}, ms": 1000 * cut[98]}
            found["memory after that, MB RSS"] = service.rss_mb()
        finally:
            service.stop()
    return Measured([1.0], detail=found)


def latencies(service: Service, langs: list[str], data: str | None) -> dict[str, list[float]]:
    """Seconds that each kind of request took, one after the other."""
    chance, texts = random.Random(0), pairs(data, TAKEN)

    def judge(client: httpx.Client, number: int, lang: str) -> httpx.Response:
        premise, hypothesis, _ = texts[number]
        return client.post("/predict", json={"lang": lang, "pairs": [{"premise": premise, "hypothesis": hypothesis}]})

    kinds: dict[str, Ask] = {
        "POST /predict": lambda client, number: judge(client, number, chance.choice(langs)),
        "POST /predict, a language without adapter": lambda client, number: judge(client, number, "yo"),
        "GET /adapters": lambda client, _: client.get("/adapters"),
        "GET /adapters of a language": lambda client, _: client.get("/adapters", params={"lang": chance.choice(langs)}),
        "GET /languages": lambda client, _: client.get("/languages"),
    }
    return {name: _timed(service, ask) for name, ask in kinds.items()}


def _timed(service: Service, ask: Ask) -> list[float]:
    seconds = []
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
        for number in range(-WARMUP, TAKEN):
            began = time.perf_counter()
            answer = ask(client, number)
            if number >= 0:
                seconds.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
    return seconds


def fill(folder: Path, adapters: int) -> list[str]:
    """Write a data directory with so many adapters, and return their languages."""
    from app.registry import imports
    from app.registry.adapter_notes import AdapterNotes
    from app.storage.blobs import BlobStore
    from app.storage.database import Database
    from app.storage.private import private_folder
    from bench.material import mini
    from ltp.adapter.artefact import read_export
    from ltp.backbone.manifest import read_manifest

    exports(str(folder))
    info = read_manifest(mini())
    private_folder(folder / "data")
    db = Database(f"sqlite:///{folder}/data/ltp.sqlite3")
    db.migrate()
    store = BlobStore(db)
    rows = []
    for lang in LANGUAGES:
        file = folder / f"{lang}.safetensors"
        export = read_export(file, info)
        export.adapter.save(folder / "adapter")
        blob = store.stage(TENANT, folder / "adapter")
        one = imports.ImportedAdapter(
            blob.id, blob.size, lang, None, "ltp", info.fingerprint, seeds=1, notes=AdapterNotes(**notes())
        )
        rows.append(imports.register(db, store, one, export.ticket, folder, tenant=TENANT, alias=None))
    copy(db, [row.id for row in rows], adapters - len(rows))
    db.close()
    return [f"sw-x-{number:05d}" for number in range(adapters // VERSIONS)]


def notes() -> dict[str, Any]:
    """What an adapter's row says of a training: as many bytes as one of five seeds and 70 epochs has."""
    course = [{"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 0.5} for epoch in range(70)]
    curve = [{"threshold": step / 50, "answered": 1 - step / 50, "accuracy": 0.5} for step in range(50)]
    score = {"accuracy": 0.5, "loss": 1.0, "n": 100, "calibration": {"curve": curve}}
    return {
        "training": {"epochs": 70, "report": {"course": course}},
        "metrics": {"dev": score, "seeds": [{"seed": seed, "dev": score} for seed in range(5)]},
        "examples": {"train": 100, "dev": 100},
    }


def copy(db: Any, ids: list[str], count: int) -> None:
    """Add so many copies of some adapters' rows, as versions of other languages, the newest as `production`."""
    from sqlalchemy import insert

    from app.storage.models import AdapterRow, AliasRow
    from app.storage.table import new_id

    columns = [column.key for column in AdapterRow.__table__.columns]
    with db.write() as session:
        like = [{key: getattr(session.get(AdapterRow, each), key) for key in columns} for each in ids]
        made = [
            like[number % len(like)]
            | {"id": new_id(), "lang": f"sw-x-{number // VERSIONS:05d}", "version": number % VERSIONS + 1}
            for number in range(count)
        ]
        session.execute(insert(AdapterRow), made)
        named = [row for row in made if row["version"] == VERSIONS]
        session.execute(
            insert(AliasRow),
            [
                {"tenant": TENANT, "lang": row["lang"], "alias": "production", "adapter_id": row["id"],
                 "updated_at": row["created_at"]}
                for row in named
            ],
        )  # fmt: skip
