"""Random kill -9 of the job's process and of the runner, while drifts, tickets, adapters and predictions are made.

    python -m tests.faults.soak --kills 20 [--seed N]

Prints jobs lost, results published twice and orphan processes; exits with 1 unless all three are 0.
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

import psutil
from sqlalchemy import func, select

if __name__ == "__main__":  # under pytest the tests' own modules are found already
    sys.path.append(str(Path(__file__).parents[1]))

from stack import Stack, kill, seed_from_environment, wait_for
from tiny import write_tiny

from app.blobs import BlobStore
from app.models import Adapter, Blob, Drift, Job, JobEvent, LanguageVersion, Prediction, Ticket

PHASES = {"ticket": ("training", "publish"), "adapter": ("training", "publish"), "prediction": ("predict", "publish")}
ORPHAN_S = 5.0
"""A job's process must be gone so soon after its runner."""


@dataclass
class Report:
    """What a soak found. `where` counts kills by victim, kind of job and phase."""

    seed: int
    kills: int = 0
    submitted: int = 0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    attempts: int = 0
    seconds: float = 0.0
    where: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicates or self.orphans)

    def __str__(self) -> str:
        places = ", ".join(f"{place} {count}" for place, count in sorted(self.where.items()))
        return (
            f"{self.kills} kills in {self.seconds:.0f} s (seed {self.seed}): {places}\n"
            f"jobs submitted {self.submitted}, attempts {self.attempts}\n"
            f"jobs lost {len(self.lost)} {self.lost or ''}\n"
            f"published twice {len(self.duplicates)} {self.duplicates or ''}\n"
            f"orphan processes {len(self.orphans)} {self.orphans or ''}"
        )


class Soak:
    """A stack under fire: always some jobs waiting, one victim after the other."""

    def __init__(self, stack: Stack, *, seed: int) -> None:
        self.stack, self.random = stack, random.Random(seed)
        self.report = Report(seed)
        self.jobs: list[Job] = []

    def run(self, kills: int) -> Report:
        began = time.monotonic()
        self.stack.serve()
        base = self._prepare()
        while self.report.kills < kills:
            self._keep_busy(base)
            self._strike()
        self.stack.finish(*self.jobs, timeout_s=60 + 30 * kills)
        self._check()
        self.stack.close()
        self.report.orphans += [str(process) for process in self.stack.processes()]
        self.report.seconds = time.monotonic() - began
        return self.report

    def _prepare(self) -> Ticket:
        """A ready ticket and adapter, so that every kind of job can be submitted at any time."""
        first = self.stack.submit_ticket()
        self.stack.finish(first)
        with self.stack.db.read() as session:
            base = session.scalars(select(Ticket).where(Ticket.job_id == first.id)).one()
        adapter = self.stack.submit_adapter(ticket_id=base.id)
        self.jobs += self.stack.finish(adapter)
        self.jobs.append(first)
        assert base.status == "ready"
        return base

    def _keep_busy(self, base: Ticket) -> None:
        with self.stack.db.read() as session:
            open_jobs = session.scalar(select(func.count()).where(Job.status.in_(("queued", "running")))) or 0
        while open_jobs < 2:
            kind = self.random.choice(["drift", "selection", "adapter", "prediction"])
            if kind == "drift":
                job = self.stack.submit_ticket(epochs=self.random.randint(5, 60))
            elif kind == "selection":
                job = self.stack.submit_ticket(drift_id=base.drift_id)
            elif kind == "adapter":
                job = self.stack.submit_adapter(ticket_id=base.id, epochs=self.random.randint(5, 60))
            else:
                job = self.stack.submit_prediction(rows=self.random.randint(50, 1500))
            self.jobs.append(job)
            open_jobs += 1

    def _strike(self) -> None:
        """Wait for a moment, chosen at random or in a phase, and kill the job's process or the runner."""
        target = self._running()
        if self.random.random() < 0.85:
            phase = self.random.choice(PHASES[target.kind])
            deadline = time.monotonic() + 20
            while self.stack.job(target.id).phase != phase and time.monotonic() < deadline:
                if self.stack.job(target.id).status != "running":
                    return
                time.sleep(0.002)
            time.sleep(self.random.random() * (0.05 if phase == "publish" else 0.5))
        else:
            time.sleep(self.random.random() * 3)
        victim = self.random.choice(["job", "runner"])
        found = self.stack.processes("job" if victim == "job" else "runner")
        if not found:
            return
        doomed = self.stack.processes("job") if victim == "runner" else []
        now = self.stack.job(target.id)
        kill(found[0])
        self.report.kills += 1
        self.report.where[f"{victim} during {now.kind} {now.phase or now.status}"] += 1
        self._expect_gone(doomed)

    def _running(self) -> Job:
        def find() -> Job | None:
            with self.stack.db.read() as session:
                return session.scalar(select(Job).where(Job.status == "running").limit(1))

        return wait_for(find, timeout_s=60, message="no job was running")

    def _expect_gone(self, processes: list[psutil.Process]) -> None:
        _, alive = psutil.wait_procs(processes, timeout=ORPHAN_S)
        self.report.orphans += [str(process) for process in alive]

    def _check(self) -> None:
        """Every acknowledged job has succeeded, once, and what it made is whole."""
        report, db = self.report, self.stack.db
        report.submitted = len(self.jobs)
        with db.read() as session:
            for submitted in self.jobs:
                job = session.get(Job, submitted.id)
                if job is None or job.status != "succeeded":
                    report.lost.append(f"{submitted.id} {job and (job.status, job.error_code, job.error_detail)}")
                    continue
                report.attempts += job.attempt
                done = session.scalar(select(func.count()).where(JobEvent.job_id == job.id, JobEvent.kind == "done"))
                if done != 1:
                    report.duplicates.append(f"{job.id} ended {done} times")
            for table in (Drift, Ticket, Adapter, Prediction):
                for row in session.scalars(select(table).where(table.status != "ready")):
                    report.lost.append(f"{table.__tablename__} {row.id} is {row.status}")
            adapters = session.scalar(select(func.count()).select_from(Adapter))
            versions = session.scalar(select(func.sum(LanguageVersion.last_version)))
            if adapters != versions:
                report.duplicates.append(f"{versions} versions were given to {adapters} adapters")
            blobs = session.scalars(select(Blob.id).where(Blob.status == "ready")).all()
        for blob_id in blobs:
            BlobStore(db).verify(blob_id)


def soak(directory: Path, backbone: Path, *, kills: int, seed: int) -> Report:
    """Run a soak in an empty directory."""
    stack = Stack(directory / "data", backbone, max_attempts=1000).migrate()
    try:
        return Soak(stack, seed=seed).run(kills)
    finally:
        stack.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = seed_from_environment() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="ltp-soak-") as directory:
        root = Path(directory)
        report = soak(root, write_tiny(root / "tiny"), kills=options.kills, seed=seed)
    print(report)  # noqa: T201
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
