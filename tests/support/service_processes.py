"""The real service for fault tests: `ltp serve`, its runner and jobs as processes, found by their environment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import psutil
from sqlalchemy import func, select
from support.servers import free_port
from support.tiny_backbone import WORDS

from app.jobs import events_after
from app.registry import adapters, datasets, drifts, tickets
from app.registry.submissions import StagedPairs, submit_prediction
from app.serve.embedded import supervised_runner
from app.settings import Settings
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import AdapterRow, JobRow, PredictionRow, TicketRow, WorkerRow
from app.storage.table import now
from ltp.backbone.manifest import read_manifest
from ltp.config import LABELS, TicketConfig
from ltp.model.methods import Method
from ltp.text.examples import Example

TENANT = "default"
SHORT = {
    "auth": "off",
    "lease_s": 3,
    "heartbeat_s": 0.5,
    "sweep_s": 1,
    "poll_s": 0.25,
    "threads": 1,
    "log_level": "warning",
}
"""Waiting times that fit a test."""
NOUNS = WORDS.split()[30:60]

MADE = {"ticket": TicketRow, "adapter": AdapterRow, "prediction": PredictionRow}

Role = Literal["serve", "runner", "job"]
Value = TypeVar("Value")


def wait_for(what: Callable[[], Value], *, timeout_s: float = 60, message: str = "it did not happen") -> Value:
    """The first true value of `what`; AssertionError when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"{message} within {timeout_s} s"
        time.sleep(0.05)
    return value


def kill(process: psutil.Process, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may just have ended by itself."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def is_gone(process: psutil.Process) -> bool:
    """Whether a process is gone, or waits only for its parent to hear of it; it may go while one asks."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Stack:
    """One data directory with what runs on it."""

    def __init__(self, directory: Path, backbone: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=directory, backbone=str(backbone), port=free_port(), **{**SHORT, **settings})
        self.backbone = read_manifest(backbone)
        self.db = Database.from_settings(self.settings)
        self._numbers = iter(range(1_000_000))
        self._started: list[subprocess.Popen[bytes]] = []

    def migrate(self) -> Stack:
        self.db.migrate()
        return self

    def serve(self, *, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start `ltp serve`; what it and its children say goes to `log`."""
        return self._start([str(Path(sys.executable).with_name("ltp")), "serve"], log=log)

    def api(self, *, port: int, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start `ltp api` on a port of its own."""
        return self._start([str(Path(sys.executable).with_name("ltp")), "api", "--port", str(port)], log=log)

    def runner(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a runner alone, as on another machine."""
        return self._start([sys.executable, "-m", "worker", *arguments])

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """The runner of `ltp serve`, with its supervisor in this process and without the API."""
        with supervised_runner(self.settings):
            yield

    def close(self) -> None:
        """End everything that was started here, for good."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
        for process in self.processes():
            kill(process)
        for process in self._started:
            process.wait()
        self.db.close()

    def processes(self, role: Role | None = None) -> list[psutil.Process]:
        """Every live process of this data directory, whatever its parent is now."""
        mark = str(self.settings.data_dir.absolute())
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get("LTP_DATA_DIR") == mark and process.status() != psutil.STATUS_ZOMBIE
                if ours and role in (None, _role(process.cmdline())):
                    found.append(process)
        return found

    def one(self, role: Role, *, other_than: int | None = None, timeout_s: float = 30) -> psutil.Process:
        """The process of a role, as soon as there is one."""
        return wait_for(
            lambda: next((process for process in self.processes(role) if process.pid != other_than), None),
            timeout_s=timeout_s,
            message=f"no {role} process",
        )

    def _start(self, arguments: list[str], *, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            arguments, env=self.settings.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._started.append(process)
        return process

    # what a client would do

    def submit_ticket(
        self, *, drift_id: str | None = None, number: int | None = None, lines: Sequence[bytes] = (), **mlm: Any
    ) -> JobRow:
        """A ticket over a drift of its own (about `epochs` x 6 steps), or over a ready one; `number` fixes its text."""
        number = next(self._numbers) if number is None else number
        store = BlobStore(self.db)
        lines = lines or [f"The {NOUNS[(number + i) % 30]} sees a {NOUNS[i * 7 % 30]} .\n".encode() for i in range(60)]
        blob = None if drift_id else store.stage(TENANT, [f"number {number} .\n".encode(), *lines])
        with self.db.write() as session:
            if blob is None:
                drift = drifts.get_ready(session, tenant=TENANT, drift_id=str(drift_id))
            else:
                corpus = datasets.create(session, tenant=TENANT, kind="corpus", blob_id=blob.id, count=1 + len(lines))
                drift = drifts.begin(
                    session,
                    tenant=TENANT,
                    backbone=self.backbone.fingerprint,
                    backbone_name=self.backbone.name,
                    language="en",
                    strategy="decoupled",
                    config={"epochs": 3, "batch_size": 10, "learning_rate": 1e-3, "seed": number, **mlm},
                    corpus=None,
                    dataset_id=corpus.id,
                )
            _, job = tickets.create(session, tenant=TENANT, drift=drift, config=TicketConfig(active_ratio=0.1))
        return job

    def submit_adapter(
        self,
        *,
        lang: str = "sw",
        ticket_id: str | None = None,
        method: Method = "pt",
        number: int | None = None,
        **training: Any,
    ) -> JobRow:
        """An adapter on 24 pairs (about `epochs` x 3 steps), of LTP with a ticket; `number` fixes its text."""
        number = next(self._numbers) if number is None else number
        noun = [NOUNS[(number + index) % 30] for index in range(8)]
        pairs = [
            Example(f"The {word} has a {label} {index}.", f"A {word} is here.", label)
            for index, word in enumerate(noun)
            for label in LABELS
        ]
        blob = BlobStore(self.db).stage(TENANT, datasets.write_parts({"train": pairs, "dev": pairs[:6]}))
        with self.db.write() as session:
            dataset = datasets.create(session, tenant=TENANT, kind="examples", blob_id=blob.id, count=len(pairs))
            _, job = adapters.create(
                session,
                tenant=TENANT,
                lang=lang,
                method="ltp" if ticket_id else method,
                ticket_id=ticket_id,
                backbone=self.backbone.fingerprint,
                training={"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "seed": number, **training},
                dataset_id=dataset.id,
                examples={"train": 24, "dev": 6, "test": 0, "sha256": blob.sha256},
            )
        return job

    def submit_prediction(self, *, lang: str = "sw", rows: int = 50) -> JobRow:
        """A CSV of pairs to be judged by the language's adapter."""
        text = "premise,hypothesis\n" + "".join(f"The {NOUNS[row % 30]} runs {row}.,A dog.\n" for row in range(rows))
        blob = BlobStore(self.db).stage(TENANT, [text.encode()])
        with self.db.write() as session:
            pairs = StagedPairs(blob.id, rows, "pairs.csv", "csv", "csv")
            _, _, job = submit_prediction(
                session, tenant=TENANT, reference=lang, fallback=None, request={"lang": lang}, pairs=pairs
            )
        return job

    def job(self, job_id: str) -> JobRow:
        with self.db.read() as session:
            return session.get_one(JobRow, job_id)

    def workers(self) -> int:
        """How many runners have been heard within a lease."""
        with self.db.read() as session:
            since = now(session) - timedelta(seconds=self.settings.lease_s)
            return session.scalar(select(func.count()).select_from(WorkerRow).where(WorkerRow.last_seen > since)) or 0

    def logs(self, job: JobRow) -> str:
        """What the job said in words."""
        with self.db.read() as session:
            events = events_after(session, job.id, limit=10_000)
        return "\n".join(event.data["message"] for event in events if event.kind == "log")

    def made(self, job: JobRow) -> Any:
        """The resource a job was to make, as it is now."""
        with self.db.read() as session:
            return session.get(MADE[job.resource_kind], job.resource_id)

    def finish(self, *jobs: JobRow, timeout_s: float = 120) -> list[JobRow]:
        """Wait until every one of the jobs is over; return them as they ended."""
        wanted = [job.id for job in jobs]

        def over() -> list[JobRow]:
            with self.db.read() as session:
                found = session.scalars(select(JobRow).where(JobRow.id.in_(wanted)).order_by(JobRow.id)).all()
            return list(found) if all(job.status in FINISHED for job in found) else []

        return wait_for(over, timeout_s=timeout_s, message="the jobs were not over")

    def reached(self, job: JobRow, phase: str, *, step: int = 0, attempt: int = 1, timeout_s: float = 120) -> JobRow:
        """Wait until a running job is at least at a step of a phase of an attempt."""

        def there() -> JobRow | None:
            now = self.job(job.id)
            assert now.status in ("queued", "running"), f"the job {now.status}: {now.error_code} {now.error_detail}"
            there = now.status == "running" and now.phase == phase
            return now if there and now.step >= step and now.attempt >= attempt else None

        return wait_for(there, timeout_s=timeout_s, message=f"the job did not reach {phase}")


def _role(command: list[str]) -> Role | None:
    if "worker.job" in command:
        return "job"
    if "worker" in command:
        return "runner"
    return "serve" if "serve" in command else None


def seed_from_environment() -> int:
    """The seed of this run's random faults, printed so that it can be repeated with FAULT_SEED."""
    seed = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(2**32)))
    print(f"FAULT_SEED={seed}")  # noqa: T201
    return seed
