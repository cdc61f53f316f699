"""Seven clients of one tenant submit, cancel, delete, import, judge and move an alias, all on the same few things.

    python -m tests.faults.hammer --seconds 40 --clients 7 --database postgres|sqlite [--seed N]

Prints how often which request got which status, then lets what was accepted end, and looks at the database: no answer
of 500 and above, no 404 for what nobody has deleted, no job that failed, nothing half-published, no blob without its
chunks. Exits with 1 unless all of that holds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import torch
from sqlalchemy import func, select

if __name__ == "__main__":  # under pytest the tests' own modules are found already
    sys.path.append(str(Path(__file__).parents[1]))

from support.hammering import LANG, Client, Record
from support.servers import running_postgres
from support.service_processes import Stack, seed_from_environment, wait_for
from support.synthetic import random_changes, random_ticket
from support.tiny_backbone import write_tiny

from app.errors import AppError
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, DriftRow, JobRow, PredictionRow, TicketRow
from app.storage.table import Base
from ltp.adapter.artefact import Adapter, TemplateOptions
from ltp.backbone.load import load_backbone
from ltp.delta.delta import encode

LEFT = 2
"""Jobs that are still done when the clients have stopped; the other ones that wait are cancelled."""


@dataclass
class Report:
    """What a hammering found."""

    record: Record
    seconds: float
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.wrong or self.record.faults)

    def __str__(self) -> str:
        answers = self.record.answers
        lines = [f"{answers.total()} answers in {self.seconds:.0f} s, {len(self.record.accepted)} jobs accepted"]
        for act in sorted({act for act, _ in answers}):
            counts = (f"{status}: {count}" for (name, status), count in sorted(answers.items()) if name == act)
            lines.append(f"  {act:<20}{', '.join(counts)}")
        for title, found in (("answers that were wrong", self.record.faults), ("left wrong", self.wrong)):
            lines.append(f"{title}: {len(found)}")
            lines += [f"  {each}" for each in found[:20]]
        return "\n".join(lines)


@contextmanager
def running(directory: Path, backbone: Path, *, database: str) -> Iterator[Stack]:
    """`ltp serve` on SQLite, or `ltp api` with a worker on a Postgres of its own."""
    with ExitStack() as opened:
        settings = {"max_queued_jobs": 25}
        if database == "postgres":
            url = opened.enter_context(opened.enter_context(running_postgres()).database())
            stack = Stack(directory / "data", backbone, database_url=url, **settings)
            opened.callback(stack.close)
            stack.api(port=stack.settings.port)
            stack.runner()
        else:
            stack = Stack(directory / "data", backbone, **settings)
            opened.callback(stack.close)
            stack.migrate().serve()
        yield stack


def exports(backbone: Path, directory: Path) -> list[bytes]:
    """Adapters as files, each on a mask of its own; nobody deletes the first, which is served."""
    base = load_backbone(backbone)
    made = []
    for seed in range(3):
        ticket = random_ticket(base, 0.1, seed=seed)
        adapter = Adapter(
            prompt=torch.zeros(4, base.info.hidden),
            delta=encode(random_changes(ticket), ticket),
            method="ltp",
            strategy="decoupled",
            backbone=base.info.fingerprint,
            ticket_sha256=ticket.sha256,
            template=TemplateOptions(literal=False, max_length=64),
        )
        adapter.save(directory / "exported", ticket=ticket)
        made.append((directory / "exported").read_bytes())
    return made


def hammer(directory: Path, backbone: Path, *, database: str, seconds: float, clients: int, seed: int) -> Report:
    """Hammer on a service in an empty directory."""
    kept, *others = exports(backbone, directory)
    record, stop = Record(), threading.Event()
    with running(directory, backbone, database=database) as stack:
        url = f"http://127.0.0.1:{stack.settings.port}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            wait_for(lambda: _is_ready(http), timeout_s=120, message="the service was not ready")
            files = {"file": ("kept", kept), "request": (None, f'{{"lang": "{LANG}", "alias": "production"}}')}
            assert http.post("/adapters/import", files=files).status_code == 201
            threads = [Client(url, record, stop, seed=seed + number, exported=others) for number in range(clients)]
            began = time.monotonic()
            for thread in threads:
                thread.start()
            stop.wait(seconds)
            stop.set()
            for thread in threads:
                thread.join()
            report = Report(record, time.monotonic() - began)
            _let_end(http, stack, record)
        report.wrong += left_wrong(stack.db, record)
    return report


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def _let_end(http: httpx.Client, stack: Stack, record: Record) -> None:
    """Cancel most of what waits, and wait for the rest."""
    with stack.db.read() as session:
        waiting = session.scalars(select(JobRow.id).where(JobRow.status == "queued").order_by(JobRow.id)).all()
    for job_id in waiting[LEFT:]:
        if http.post(f"/jobs/{job_id}/cancel").is_success:
            record.cancelled.add(job_id)

    def over() -> bool:
        with stack.db.read() as session:
            return not session.scalar(select(func.count()).where(JobRow.status.not_in(FINISHED)))

    wait_for(over, timeout_s=300, message="the jobs were not over")


def left_wrong(db: Database, record: Record) -> list[str]:
    """Look for what should not be, now that nothing works on the database any more."""
    wrong = [*_jobs(db, record), *_blobs(db), *_resources(db)]
    with db.engine.connect() as connection:
        for table in Base.metadata.tables.values():
            for key in table.foreign_keys:
                there = select(key.column).where(key.column == key.parent).correlate(table).exists()
                rows = select(func.count()).select_from(table).where(key.parent.is_not(None), ~there)
                if count := connection.scalar(rows):
                    wrong.append(f"{count} rows of {table.name} refer by {key.parent.name} to nothing")
    return wrong


def _jobs(db: Database, record: Record) -> Iterator[str]:
    with db.read() as session:
        jobs = {job.id: job for job in session.scalars(select(JobRow))}
    for job_id in record.accepted:
        job = jobs.get(job_id)
        fine = job is not None and (
            job.status == "succeeded" or (job.status == "cancelled" and job_id in record.cancelled)
        )
        if not fine:
            yield f"job {job_id} {job and (job.kind, job.status, job.error_code, job.error_detail)}"


def _blobs(db: Database) -> Iterator[str]:
    with db.read() as session:
        blobs = session.scalars(select(BlobRow)).all()
        loose = session.scalars(
            select(BlobChunkRow.blob_id).where(BlobChunkRow.blob_id.not_in(select(BlobRow.id))).distinct()
        ).all()
    yield from (f"chunks without their blob {blob_id}" for blob_id in loose)
    yield from (f"blob {blob.id} was left {blob.status}" for blob in blobs if blob.status in ("staging", "corrupt"))
    for blob in blobs:
        if blob.status == "ready":
            try:
                BlobStore(db).verify(blob.id)
            except AppError as error:
                yield f"blob {blob.id}: {error}"


def _resources(db: Database) -> Iterator[str]:
    with db.read() as session:
        for table in (DriftRow, TicketRow, AdapterRow, PredictionRow):
            for row in session.scalars(select(table)):
                content = row.result_blob_id if isinstance(row, PredictionRow) else row.blob_id
                if row.status == "pending" or (row.status == "ready") != (content is not None):
                    yield f"{table.__tablename__} {row.id} is {row.status} with content {content}"
                if isinstance(row, AdapterRow) and row.status == "ready" and row.method == "ltp" and not row.ticket_id:
                    yield f"adapter {row.id} has lost its ticket"
        masks = select(TicketRow.mask_sha256, func.count()).where(TicketRow.origin == "import")
        for mask, count in session.execute(masks.group_by(TicketRow.mask_sha256).having(func.count() > 1)):
            yield f"{count} imported tickets have the mask {mask}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--clients", type=int, default=7)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = seed_from_environment() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="ltp-hammer-") as directory:
        root = Path(directory)
        report = hammer(
            root,
            write_tiny(root / "tiny"),
            database=options.database,
            seconds=options.seconds,
            clients=options.clients,
            seed=seed,
        )
    print(report)  # noqa: T201
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
