"""Leases: a runner keeps its job by renewing one, hands the job back, or is found not to renew it any more.

The database's clock sets when a lease ends, and may jump. So a lease is only said to have run out; whoever would take
the job away watches by a clock of its own whether it is renewed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs.fence import Claim, lock_claimed_job
from app.jobs.outcome import mark_cancelled, requeue, retry_or_fail
from app.jobs.progress import append
from app.storage import counters
from app.storage.models import JobRow
from app.storage.table import now


@dataclass(frozen=True)
class Beat:
    """What a heartbeat tells the runner."""

    cancel_requested: bool
    reported: tuple[datetime | None, str | None, int]
    """When the job last reported progress, and what: as long as this stays the same, it is silent."""


@dataclass(frozen=True)
class Lease:
    """A running job's lease as it was last renewed. Two are equal if it was not renewed between them."""

    job_id: str
    attempt: int
    owner: str | None
    until: datetime | None
    expired: bool = field(compare=False)
    """Whether it has run out by the database's clock."""


def heartbeat(session: Session, claim: Claim, *, lease_s: float) -> Beat:
    """Renew the lease. Raises `LeaseLost`."""
    job = lock_claimed_job(session, claim)
    job.lease_until = now(session) + timedelta(seconds=lease_s)
    return Beat(cancel_requested=job.cancel_requested, reported=(job.progress_at, job.phase, job.step))


def release(session: Session, claim: Claim, *, why: str = "the worker is shutting down") -> None:
    """Return a job that its runner can not go on with; the attempt does not count. Raises `LeaseLost`."""
    job = lock_claimed_job(session, claim)
    if job.cancel_requested:
        mark_cancelled(session, claim)
        return
    requeue(session, job)
    append(session, job, kind="log", data={"message": f"{why}; the job waits for another one"})
    job.attempt -= 1


def held_leases(session: Session, *, except_job: str | None = None) -> list[Lease]:
    """Return the leases of all running jobs; a runner leaves out the job it is busy with.

    Whether that one is still its own is for its heartbeat to find out.
    """
    moment = now(session)
    held = select(JobRow.id, JobRow.attempt, JobRow.owner, JobRow.lease_until).where(
        JobRow.status == "running", JobRow.id.is_distinct_from(except_job)
    )
    return [
        Lease(job_id, attempt, owner, until, expired=until is None or until < moment)
        for job_id, attempt, owner, until in session.execute(held)
    ]


def requeue_lost(session: Session, leases: Iterable[Lease], *, max_attempts: int) -> list[str]:
    """Take the jobs of these leases from their runners, if they are still as they were seen; return their ids."""
    lost = {lease.job_id: lease for lease in leases}
    running = _lock_running(session, lost) if lost else []
    unrenewed = [job for job in running if _is(job, lost[job.id])]
    return _take_back(session, unrenewed, max_attempts=max_attempts)


def requeue_all_running(session: Session, *, max_attempts: int) -> list[str]:
    """Take back every running job at once. Only for a runner that knows it is alone, as the embedded one does."""
    return _take_back(session, _lock_running(session), max_attempts=max_attempts)


def _is(job: JobRow, lease: Lease) -> bool:
    return (job.attempt, job.owner, job.lease_until) == (lease.attempt, lease.owner, lease.until)


def _lock_running(session: Session, job_ids: Iterable[str] | None = None) -> list[JobRow]:
    running = select(JobRow).where(JobRow.status == "running").order_by(JobRow.id)
    if job_ids is not None:
        running = running.where(JobRow.id.in_(job_ids))
    return list(session.scalars(running.with_for_update(skip_locked=True)))


def _take_back(session: Session, running: Iterable[JobRow], *, max_attempts: int) -> list[str]:
    """Decide about locked jobs that have lost their runners."""
    taken = []
    for job in running:
        counters.count(session, "lease_losses", job.kind)
        detail = "the worker that ran it was not heard any more"
        retry_or_fail(session, job, code="worker_lost", detail=detail, max_attempts=max_attempts)
        taken.append(job.id)
    return taken
