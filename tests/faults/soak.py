"""Random faults on the real service while drifts, tickets, adapters and predictions are made.

    python -m tests.faults.soak --kills 20 [--seed N] [--deployment] [--minutes M]

Embedded, the job's process and the runner are killed; with `--deployment` (Postgres, Redis, two workers, one API) they
are also frozen beyond their lease, and Redis, the API and Postgres are struck. Prints what was struck in which phase,
jobs lost, results published twice, stale writes and orphan processes; exits with 1 unless those are 0.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

if __name__ == "__main__":  # under pytest the tests' own modules are found already
    sys.path.append(str(Path(__file__).parents[1]))

from support.fault_injection import FaultInjector
from support.service_processes import seed_from_environment, wait_for
from support.service_under_test import DeployedService, EmbeddedService, ServiceUnderTest
from support.tiny_backbone import write_tiny

from app.storage.blobs import BlobStore
from app.storage.job_status import FINISHED
from app.storage.models import (
    AdapterRow,
    BlobRow,
    DriftRow,
    JobEventRow,
    JobRow,
    LanguageVersionRow,
    PredictionRow,
    TicketRow,
)

PHASES = {
    "ticket": ("start", "backbone", "training", "publish", "publish"),
    "adapter": ("start", "backbone", "training", "publish", "publish"),
    "prediction": ("start", "predict", "publish", "publish"),
}
AT_ONCE = 4
"""Unfinished jobs there always are."""
PATIENCE_S = 6.0
"""How long a job may take to the phase it is to be struck in; after that it is struck where it is."""


@dataclass
class Report:
    """What a soak found. `where` counts strikes by fault, kind of job and phase."""

    seed: int
    strikes: int = 0
    submitted: int = 0
    attempts: int = 0
    discarded: int = 0
    starts: int = 0
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    where: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicates or self.stale or self.orphans)

    def __str__(self) -> str:
        lines = [f"{self.strikes} strikes in {self.seconds:.0f} s (seed {self.seed})"]
        for fault in sorted({fault for fault, _, _ in self.where}):
            phases = Counter[str]()
            for (name, kind, phase), count in self.where.items():
                if name == fault:
                    phases[f"{kind} {phase}"] += count
            listed = ", ".join(f"{place} {count}" for place, count in phases.most_common())
            lines.append(f"  {fault}: {phases.total()} ({listed})")
        return "\n".join(
            [
                *lines,
                f"jobs acknowledged {self.submitted}, attempts {self.attempts}, processes started {self.starts}",
                f"late writers refused {self.discarded}",
                f"jobs lost {len(self.lost)} {self.lost or ''}",
                f"published twice {len(self.duplicates)} {self.duplicates or ''}",
                f"stale writes {len(self.stale)} {self.stale or ''}",
                f"orphan processes {len(self.orphans)} {self.orphans or ''}",
            ]
        )


class Soak:
    """A service with some jobs waiting at any time, struck again and again."""

    def __init__(self, service: ServiceUnderTest, *, seed: int, at_once: int = AT_ONCE) -> None:
        self.service, self.stack, self.random = service, service.stack, random.Random(seed)
        self.at_once = at_once
        self.injector = FaultInjector(service, chance=self.random)
        self.report = Report(seed)

    def run(self, strikes: int, *, minutes: float = float("inf")) -> Report:
        """Strike so often, or so long; then let everything finish, and look."""
        began = time.monotonic()
        base = self._prepare()
        told = 0
        while self.report.strikes < strikes and time.monotonic() - began < minutes * 60:
            self._keep_busy(base)
            self._strike()
            if self.report.strikes >= told + 25:
                told = self.report.strikes
                print(f"{told} strikes after {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
        self.injector.run_due(everything=True)
        self._settle()
        self._check()
        self.report.starts, self.report.discarded = self.service.starts, self.service.count_logged('"discarded"')
        self.report.orphans += self.injector.orphans
        self.report.orphans += [str(process) for process in self.service.close()]
        self.report.seconds = time.monotonic() - began
        return self.report

    def _prepare(self) -> TicketRow:
        """A ready ticket and adapter, so that every kind of job can be submitted at any time."""
        self._settle(self.service.drift(epochs=1))
        with self.stack.db.read() as session:
            base = session.scalars(select(TicketRow)).one()
        self._settle(self.service.adapter(ticket_id=base.id, epochs=1))
        assert base.status == "ready"
        return base

    def _settle(self, *job_ids: str) -> None:
        """Wait for some jobs, or for all, with everything that is to run running."""
        wanted = job_ids or tuple(self.service.acknowledged)

        def over() -> bool:
            self.service.start_missing()
            with self.stack.db.read() as session:
                ended = select(func.count()).where(JobRow.id.in_(wanted), JobRow.status.in_(FINISHED))
                return session.scalar(ended) == len(set(wanted))

        wait_for(over, timeout_s=180 + 20 * len(wanted), message="the jobs were not over")

    def _keep_busy(self, base: TicketRow) -> None:
        with self.stack.db.read() as session:
            open_jobs = session.scalar(select(func.count()).where(JobRow.status.in_(("queued", "running")))) or 0
        for _ in range(open_jobs, self.at_once):
            kind = self.random.choice(["drift", "selection", "adapter", "prediction"])
            if kind == "drift":
                self.service.drift(epochs=self.random.randint(5, 60))
            elif kind == "selection":
                self.service.selection(drift_id=str(base.drift_id))
            elif kind == "adapter":
                self.service.adapter(ticket_id=base.id, epochs=self.random.randint(5, 60))
            else:
                self.service.prediction(rows=self.random.randint(50, 1500))

    def _strike(self) -> None:
        """Take a running job, wait for a moment in one of its phases, and strike."""
        target = wait_for(self._running, timeout_s=120, message="no job was running")
        phase = self.random.choice(PHASES[target.kind])
        deadline = time.monotonic() + PATIENCE_S
        while target.status == "running" and target.phase != phase and time.monotonic() < deadline:
            time.sleep(0.005)
            self._maintain()
            target = self.stack.job(target.id)
        if target.status != "running":
            return
        time.sleep(self.random.random() * (0.03 if phase == "publish" else 0.3))
        fault, strike = self.injector.choose()
        if strike(target.id):
            self.report.strikes += 1
            self.report.where[fault, target.kind, target.phase or target.status] += 1

    def _running(self) -> JobRow | None:
        self._maintain()
        with self.stack.db.read() as session:
            found = session.scalars(select(JobRow).where(JobRow.status == "running")).all()
        return self.random.choice(found) if found else None

    def _maintain(self) -> None:
        self.injector.run_due()
        self.service.start_missing()

    def _check(self) -> None:
        """Every acknowledged job has succeeded, once, and what it made is whole."""
        report, db = self.report, self.stack.db
        report.submitted = len(self.service.acknowledged)
        with db.read() as session:
            rows = {job.id: job for job in session.scalars(select(JobRow))}
            for job_id in self.service.acknowledged:
                job = rows.pop(job_id, None)
                if job is None or job.status != "succeeded":
                    report.lost.append(f"{job_id} {job and (job.status, job.error_code, job.error_detail)}")
                    continue
                report.attempts += job.attempt
                self._check_events(list(session.scalars(select(JobEventRow).where(JobEventRow.job_id == job_id))))
            report.duplicates += [f"{job_id} was made in addition to an acknowledged one" for job_id in rows]
            for table in (DriftRow, TicketRow, AdapterRow, PredictionRow):
                for row in session.scalars(select(table).where(table.status != "ready")):
                    report.lost.append(f"{table.__tablename__} {row.id} is {row.status}")
            adapters = session.scalar(select(func.count()).select_from(AdapterRow))
            versions = session.scalar(select(func.sum(LanguageVersionRow.last_version)))
            if adapters != versions:
                report.duplicates.append(f"{versions} versions were given to {adapters} adapters")
            blobs = session.scalars(select(BlobRow.id).where(BlobRow.status == "ready")).all()
        for blob_id in blobs:
            BlobStore(db).verify(blob_id)

    def _check_events(self, events: list[JobEventRow]) -> None:
        """A job ends once, and no attempt writes after a later one has begun to."""
        events.sort(key=lambda event: event.seq)
        attempts = [event.data["attempt"] for event in events]
        if [event.kind for event in events].count("done") != 1 or events[-1].kind != "done":
            self.report.duplicates.append(f"{events[0].job_id} did not end once")
        if attempts != sorted(attempts):
            self.report.stale.append(f"{events[0].job_id} was written by attempts {attempts}")


def soak(
    directory: Path,
    backbone: Path,
    *,
    strikes: int,
    seed: int,
    minutes: float = float("inf"),
    at_once: int = AT_ONCE,
    on: type[ServiceUnderTest],
) -> Report:
    """Run a soak in an empty directory."""
    service = on(directory, backbone, log_format="json")  # in which late writers are counted
    try:
        return Soak(service, seed=seed, at_once=at_once).run(strikes, minutes=minutes)
    finally:
        service.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="strikes of any kind")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after so long, whatever was struck")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--deployment", action="store_true", help="Postgres, Redis, two workers and an API")
    parser.add_argument("--keep", type=Path, help="an empty directory to leave data and logs in")
    options = parser.parse_args()
    seed = seed_from_environment() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="ltp-soak-") as directory:
        root = options.keep or Path(directory)
        root.mkdir(parents=True, exist_ok=True)
        on = DeployedService if options.deployment else EmbeddedService
        report = soak(root, write_tiny(root / "tiny"), strikes=options.kills, seed=seed, minutes=options.minutes, on=on)
    print(report)  # noqa: T201
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
