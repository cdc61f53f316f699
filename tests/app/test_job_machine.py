"""Any order of submitting, claiming, dying, reaping, cancelling and publishing keeps the queue's promises.

The machine knows what must be true of each job; what a stale claim tries must always be refused.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from making import TENANT, finish_adapter, make_adapter
from servers import Postgres
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import jobs
from app.db import Database
from app.errors import CancelRequested, JobFinished, LeaseLost
from app.jobs import Claim
from app.models import Adapter, Job, JobEvent, LanguageVersion

MAX_ATTEMPTS = 3
EXAMPLES, STEPS = {"sqlite": 25, "postgres": 8}, 40


@dataclass
class Expected:
    """What must be true of one acknowledged job."""

    status: str = "queued"
    failures: int = 0
    claim: Claim | None = None
    expired: bool = False
    to_cancel: bool = False
    published: int = 0


class Machine(RuleBasedStateMachine):
    """Three workers, any number of jobs, one database."""

    open_database: Callable[[], object]
    claims: Bundle[Claim] = Bundle("claims")
    submitted: Bundle[str] = Bundle("submitted")

    def __init__(self) -> None:
        super().__init__()
        self._context = type(self).open_database()
        self.db: Database = self._context.__enter__()  # type: ignore[attr-defined]
        self.jobs: dict[str, Expected] = {}

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)  # type: ignore[attr-defined]

    def holds(self, claim: Claim) -> bool:
        return self.jobs[claim.job_id].claim == claim

    def fenced(self, claim: Claim, write: Callable[[Session], object]) -> bool:
        """Write under a claim: it must work for the holder and be refused to everybody else."""
        if self.holds(claim):
            with self.db.write() as session:
                write(session)
            return True
        with pytest.raises(LeaseLost), self.db.write() as session:
            write(session)
        return False

    def attempt_over(self, job: Expected) -> None:
        """An attempt ended without a result."""
        job.claim, job.failures = None, job.failures + 1
        job.status = "cancelled" if job.to_cancel else "failed" if job.failures == MAX_ATTEMPTS else "queued"

    @rule(target=submitted)
    def submit(self) -> str:
        job = make_adapter(self.db)[1]
        self.jobs[job.id] = Expected()
        return job.id

    @rule(target=claims, worker=st.sampled_from(["w1", "w2", "w3"]))
    def claim(self, worker: str) -> Claim | None:
        with self.db.write() as session:
            claim = jobs.claim(session, owner=f"{worker}-{len(self.jobs)}", lease_s=1000)
        queued = sorted(job_id for job_id, job in self.jobs.items() if job.status == "queued")
        if claim is None:
            assert not queued
            return Claim("none", 0, worker)
        assert claim.job_id == queued[0]
        job = self.jobs[claim.job_id]
        assert claim.attempt == job.failures + 1
        job.status, job.claim, job.expired = "running", claim, False
        return claim

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        if claim.attempt and self.fenced(claim, lambda session: jobs.heartbeat(session, claim, lease_s=1000)):
            self.jobs[claim.job_id].expired = False

    @rule(claim=claims)
    def fall_silent(self, claim: Claim) -> None:
        if claim.attempt and self.holds(claim):
            self.fenced(claim, lambda session: jobs.heartbeat(session, claim, lease_s=-1))
            self.jobs[claim.job_id].expired = True

    @rule()
    def reap(self) -> None:
        with self.db.write() as session:
            reaped = jobs.reap(session, max_attempts=MAX_ATTEMPTS)
        due = sorted(job_id for job_id, job in self.jobs.items() if job.status == "running" and job.expired)
        assert sorted(reaped) == due
        for job_id in due:
            self.attempt_over(self.jobs[job_id])

    @rule(claim=claims)
    def crash(self, claim: Claim) -> None:
        if claim.attempt and self.fenced(
            claim,
            lambda session: jobs.end_attempt(session, claim, code="crashed", detail="", max_attempts=MAX_ATTEMPTS),
        ):
            self.attempt_over(self.jobs[claim.job_id])

    @rule(claim=claims)
    def hand_back(self, claim: Claim) -> None:
        if claim.attempt and self.fenced(claim, lambda session: jobs.hand_back(session, claim)):
            job = self.jobs[claim.job_id]
            job.claim, job.status = None, "cancelled" if job.to_cancel else "queued"

    @rule(claim=claims)
    def bad_data(self, claim: Claim) -> None:
        if claim.attempt and self.fenced(claim, lambda session: jobs.fail(session, claim, code="bad", detail="")):
            job = self.jobs[claim.job_id]
            job.claim, job.status = None, "failed"

    @rule(job_id=submitted)
    def cancel(self, job_id: str) -> None:
        job = self.jobs[job_id]
        if job.status in ("queued", "running"):
            with self.db.write() as session:
                jobs.cancel(session, tenant=TENANT, job_id=job_id)
            job.to_cancel = True
            job.status = "cancelled" if job.status == "queued" else "running"
        else:
            with pytest.raises(JobFinished), self.db.write() as session:
                jobs.cancel(session, tenant=TENANT, job_id=job_id)

    @rule(claim=claims)
    def publish(self, claim: Claim) -> None:
        if not claim.attempt:
            return
        job = self.jobs[claim.job_id]
        if not self.holds(claim) or job.to_cancel:
            with pytest.raises((LeaseLost, CancelRequested)):
                finish_adapter(self.db, claim, content=claim.job_id.encode())
            return
        finish_adapter(self.db, claim, content=claim.job_id.encode())
        job.status, job.claim, job.published = "succeeded", None, job.published + 1

    @rule(claim=consumes(claims))
    def forget(self, claim: Claim) -> None:
        """A worker dies for good: its claim is never heard of again."""

    @invariant()
    def every_acknowledged_job_is_where_it_must_be(self) -> None:
        with self.db.read() as session:
            rows = {job.id: job for job in session.scalars(select(Job))}
            done = dict(
                session.execute(
                    select(JobEvent.job_id, func.count()).where(JobEvent.kind == "done").group_by(JobEvent.job_id)
                ).all()
            )
            made = {adapter.job_id: adapter for adapter in session.scalars(select(Adapter))}
            given_out = session.scalar(select(LanguageVersion.last_version)) or 0
        assert rows.keys() == self.jobs.keys()
        for job_id, expected in self.jobs.items():
            assert rows[job_id].status == expected.status
            assert (rows[job_id].owner is not None) == (expected.status == "running")
            assert done.get(job_id, 0) == (expected.status not in ("queued", "running"))
            assert (made[job_id].status == "ready") == (expected.status == "succeeded") == bool(expected.published)
            assert (made[job_id].status == "pending") == (expected.status in ("queued", "running"))
        versions = sorted(adapter.version for adapter in made.values() if adapter.version is not None)
        assert versions == list(range(1, given_out + 1))


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_any_order_of_events_keeps_the_promises(
    backend: str, request: pytest.FixtureRequest, migrated_sqlite: Path
) -> None:
    @contextmanager
    def open_database() -> Iterator[Database]:
        if backend == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            with server.database() as url:
                db = Database(url)
                yield db
                db.close()
        else:
            with tempfile.TemporaryDirectory() as directory:
                db = Database(f"sqlite:///{shutil.copy(migrated_sqlite, Path(directory) / 'ltp.sqlite3')}")
                yield db
                db.close()

    class Bound(Machine):
        """The machine on this test's database."""

    Bound.open_database = staticmethod(open_database)  # type: ignore[assignment]
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
