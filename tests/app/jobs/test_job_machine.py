"""Any order of submitting, claiming, dying, reaping, cancelling and publishing keeps the queue's promises.

The machine knows what must be true of each job; what a stale claim tries must always be refused. MACHINE_EXAMPLES sets
how many orders are tried on each database.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter as Sums
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from support.registry_rows import finish_adapter, make_adapter, reap
from support.servers import Postgres

from app import jobs
from app.errors import CancelRequested, JobFinished, LeaseLost
from app.jobs import Claim
from app.storage.database import Database
from app.storage.models import AdapterRow, CounterRow, JobEventRow, JobRow, LanguageVersionRow

MAX_ATTEMPTS = 3
TENANTS = ("amber", "birch")
EXAMPLES, STEPS = {"sqlite": 15, "postgres": 6}, 40
ASKED_FOR = os.environ.get("MACHINE_EXAMPLES")


@dataclass
class Expected:
    """What must be true of one acknowledged job."""

    tenant: str
    status: str = "queued"
    failures: int = 0
    claim: Claim | None = None
    expired: bool = False
    to_cancel: bool = False
    published: int = 0
    attempt: int = 0
    begun: int = 0
    lost: int = 0


class Machine(RuleBasedStateMachine):
    """Three workers, two tenants, any number of jobs, one database."""

    open_database: Callable[[], object]
    claims: Bundle[Claim] = Bundle("claims")
    submitted: Bundle[str] = Bundle("submitted")
    done: ClassVar[Sums[str]] = Sums()
    """Examples run, and how often each rule was."""

    def __init__(self) -> None:
        super().__init__()
        self.done["examples"] += 1
        self._context = type(self).open_database()
        self.db: Database = self._context.__enter__()  # type: ignore[attr-defined]
        self.jobs: dict[str, Expected] = {}
        self.served: list[str] = []

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)  # type: ignore[attr-defined]

    def holds(self, claim: Claim) -> bool:
        return self.jobs[claim.job_id].claim == claim

    def fenced(self, claim: Claim, write: Callable[[Session], object]) -> bool:
        """Write under a claim: it must work for the holder and be refused to any other."""
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

    @rule(target=submitted, tenant=st.sampled_from(TENANTS))
    def submit(self, tenant: str) -> str:
        self.done["submit"] += 1
        job = make_adapter(self.db, tenant=tenant)[1]
        self.jobs[job.id] = Expected(tenant)
        return job.id

    @rule(target=claims, worker=st.sampled_from(["w1", "w2", "w3"]))
    def claim(self, worker: str) -> Claim:
        self.done["claim"] += 1
        with self.db.write() as session:
            claim = jobs.claim(session, owner=f"{worker}-{self.done.total()}", lease_s=1000)
        queued = sorted((job_id for job_id, job in self.jobs.items() if job.status == "queued"), key=self.turn_of)
        if claim is None:
            assert not queued
            return Claim("none", 0, worker)
        assert claim.job_id == queued[0]
        return self.begun(claim)

    def turn_of(self, job_id: str) -> tuple[int, int, str]:
        """The tenant with the fewest running jobs comes first, then the one served longest ago; then the oldest job."""
        tenant = self.jobs[job_id].tenant
        running = sum(job.tenant == tenant and job.status == "running" for job in self.jobs.values())
        last = max((turn for turn, served in enumerate(self.served) if served == tenant), default=-1)
        return running, last, job_id

    def begun(self, claim: Claim) -> Claim:
        job = self.jobs[claim.job_id]
        assert claim.attempt == job.failures + 1 <= MAX_ATTEMPTS
        job.status, job.claim, job.expired = "running", claim, False
        job.attempt, job.begun = claim.attempt, job.begun + 1
        self.served.append(job.tenant)
        return claim

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        self.done["heartbeat"] += 1
        if claim.attempt and self.fenced(claim, lambda session: jobs.heartbeat(session, claim, lease_s=1000)):
            self.jobs[claim.job_id].expired = False

    @rule(claim=claims)
    def fall_silent(self, claim: Claim) -> None:
        self.done["fall silent"] += 1
        if claim.attempt and self.holds(claim):
            self.fenced(claim, lambda session: jobs.heartbeat(session, claim, lease_s=-1))
            self.jobs[claim.job_id].expired = True

    @rule(but=st.none() | submitted)
    def reap(self, but: str | None) -> None:
        """A sweep; a busy runner leaves its own job out."""
        self.done["reap"] += 1
        reaped = reap(self.db, max_attempts=MAX_ATTEMPTS, except_job=but)
        due = {job_id for job_id, job in self.jobs.items() if job.status == "running" and job.expired} - {but}
        assert set(reaped) == due
        self.taken_back(reaped)

    @rule()
    def take_back_all(self) -> None:
        """The embedded runner starts again, and knows that it is alone."""
        self.done["take back all"] += 1
        with self.db.write() as session:
            taken = jobs.requeue_all_running(session, max_attempts=MAX_ATTEMPTS)
        assert set(taken) == {job_id for job_id, job in self.jobs.items() if job.status == "running"}
        self.taken_back(taken)

    def taken_back(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            self.jobs[job_id].lost += 1
            self.attempt_over(self.jobs[job_id])

    @rule(claim=claims)
    def crash(self, claim: Claim) -> None:
        self.done["crash"] += 1
        if claim.attempt and self.fenced(
            claim,
            lambda session: jobs.end_attempt(session, claim, code="crashed", detail="", max_attempts=MAX_ATTEMPTS),
        ):
            self.attempt_over(self.jobs[claim.job_id])

    @rule(claim=claims)
    def hand_back(self, claim: Claim) -> None:
        self.done["hand back"] += 1
        if claim.attempt and self.fenced(claim, lambda session: jobs.release(session, claim)):
            job = self.jobs[claim.job_id]
            job.claim, job.status = None, "cancelled" if job.to_cancel else "queued"
            job.attempt -= not job.to_cancel

    @rule(claim=claims)
    def bad_data(self, claim: Claim) -> None:
        self.done["bad data"] += 1
        if claim.attempt and self.fenced(claim, lambda session: jobs.fail(session, claim, code="bad", detail="")):
            job = self.jobs[claim.job_id]
            job.claim, job.status = None, "failed"

    @rule(claim=claims)
    def report(self, claim: Claim) -> None:
        """Progress and words: nothing of a stale writer's, and nothing after a cancellation was asked for."""
        self.done["report"] += 1
        if not claim.attempt:
            return
        for write in (self._progress, jobs.log):
            if self.holds(claim) and self.jobs[claim.job_id].to_cancel:
                with pytest.raises(CancelRequested), self.db.write() as session:
                    write(session, claim, "half way")
            else:
                self.fenced(claim, lambda session, write=write: write(session, claim, "half way"))  # type: ignore[misc]

    @staticmethod
    def _progress(session: Session, claim: Claim, phase: str) -> None:
        jobs.record_progress(session, claim, phase=phase, step=1, total=2, metrics={}, eta_s=None)

    @rule(claim=claims)
    def withdraw(self, claim: Claim) -> None:
        """The process of a cancelled job is gone."""
        self.done["withdraw"] += 1
        if claim.attempt and self.fenced(claim, lambda session: jobs.mark_cancelled(session, claim)):
            job = self.jobs[claim.job_id]
            job.claim, job.status = None, "cancelled"

    @rule(job_id=submitted)
    def cancel(self, job_id: str) -> None:
        self.done["cancel"] += 1
        job = self.jobs[job_id]
        if job.status in ("queued", "running"):
            with self.db.write() as session:
                jobs.cancel(session, tenant=job.tenant, job_id=job_id)
            job.to_cancel = True
            job.status = "cancelled" if job.status == "queued" else "running"
        else:
            with pytest.raises(JobFinished), self.db.write() as session:
                jobs.cancel(session, tenant=job.tenant, job_id=job_id)

    @rule(claim=claims)
    def publish(self, claim: Claim) -> None:
        self.done["publish"] += 1
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
            rows = {job.id: job for job in session.scalars(select(JobRow))}
            done = dict(
                session.execute(
                    select(JobEventRow.job_id, func.count())
                    .where(JobEventRow.kind == "done")
                    .group_by(JobEventRow.job_id)
                ).all()
            )
            made = {adapter.job_id: adapter for adapter in session.scalars(select(AdapterRow))}
            given_out = {row.tenant: row.last_version for row in session.scalars(select(LanguageVersionRow))}
            counted = {row.name: row.value for row in session.scalars(select(CounterRow)) if row.label == "adapter"}
        assert rows.keys() == self.jobs.keys()
        for job_id, expected in self.jobs.items():
            assert rows[job_id].status == expected.status
            assert (rows[job_id].owner is not None) == (expected.status == "running")
            assert rows[job_id].attempt == expected.attempt <= MAX_ATTEMPTS
            assert done.get(job_id, 0) == (expected.status not in ("queued", "running"))
            assert (made[job_id].status == "ready") == (expected.status == "succeeded") == bool(expected.published)
            assert (made[job_id].status == "pending") == (expected.status in ("queued", "running"))
        assert counted.get("job_attempts", 0) == sum(job.begun for job in self.jobs.values())
        assert counted.get("lease_losses", 0) == sum(job.lost for job in self.jobs.values())
        for tenant in TENANTS:
            ours = [adapter.version for adapter in made.values() if adapter.tenant == tenant]
            assert sorted(filter(None, ours)) == list(range(1, given_out.get(tenant, 0) + 1))


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.slow
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
    Bound.done = Sums()
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=int(ASKED_FOR or EXAMPLES[backend]),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    examples = Bound.done.pop("examples")
    print(f"{backend}: {examples} examples, {Bound.done.total()} steps: {dict(Bound.done.most_common())}")  # noqa: T201
