"""The queue: submitting, claiming, keeping a lease, handing back, and taking jobs from runners that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app.jobs.fence import Claim, lock_claimed_job
from app.jobs.outcome import mark_cancelled, requeue, retry_or_fail
from app.jobs.progress import append
from app.storage import counters
from app.storage.models import JobRow, WorkerRow
from app.storage.table import insert, new_id, now

Kind = Literal["ticket", "adapter", "prediction"]
KINDS: tuple[Kind, ...] = ("ticket", "adapter", "prediction")


@dataclass(frozen=True)
class Beat:
    """What a heartbeat tells the runner."""

    cancel_requested: bool
    silent_s: float
    """Seconds since the job last reported progress, by the database's clock."""


def submit(
    session: Session,
    *,
    tenant: str,
    kind: Kind,
    resource_kind: str,
    resource_id: str,
    payload: dict[str, Any] | None = None,
) -> JobRow:
    """Queue a job. It is acknowledged, and will not be lost, once the caller's transaction is committed."""
    job = JobRow(
        id=new_id(),
        tenant=tenant,
        kind=kind,
        status="queued",
        payload=payload or {},
        resource_kind=resource_kind,
        resource_id=resource_id,
        step=0,
        total=0,
        metrics={},
        attempt=0,
        cancel_requested=False,
        created_at=now(session),
    )
    session.add(job)
    session.flush()
    return job


def waiting(session: Session, *, kinds: Sequence[str] = KINDS) -> bool:
    """Tell, without locking anything, whether a claim could succeed."""
    return (
        session.scalar(select(JobRow.id).where(JobRow.status == "queued", JobRow.kind.in_(kinds)).limit(1)) is not None
    )


def claim(
    session: Session, *, owner: str, lease_s: float, kinds: Sequence[str] = KINDS, job_id: str | None = None
) -> Claim | None:
    """Take the oldest queued job, or `job_id`, by a conditional UPDATE; None when there is none. Many may race."""
    candidate = select(JobRow.id).where(JobRow.status == "queued", JobRow.kind.in_(kinds)).order_by(JobRow.id).limit(1)
    if job_id is not None:
        candidate = candidate.where(JobRow.id == job_id)
    candidate_id = session.scalar(candidate.with_for_update(skip_locked=True))
    if candidate_id is None:
        return None
    moment = now(session)
    begun = session.execute(
        update(JobRow)
        .where(JobRow.id == candidate_id, JobRow.status == "queued")
        .values(
            status="running",
            attempt=JobRow.attempt + 1,
            owner=owner,
            lease_until=moment + timedelta(seconds=lease_s),
            progress_at=moment,
        )
        .returning(JobRow.attempt, JobRow.kind)
    ).one_or_none()
    if begun is None:
        return None
    counters.count(session, "job_attempts", begun.kind)
    session.execute(
        update(JobRow).where(JobRow.id == candidate_id, JobRow.started_at.is_(None)).values(started_at=moment)
    )
    return Claim(candidate_id, begun.attempt, owner)


def heartbeat(session: Session, claim: Claim, *, lease_s: float) -> Beat:
    """Renew the lease. Raises `LeaseLost`."""
    job = lock_claimed_job(session, claim)
    moment = now(session)
    job.lease_until = moment + timedelta(seconds=lease_s)
    silent = moment - (job.progress_at or moment)
    return Beat(cancel_requested=job.cancel_requested, silent_s=silent.total_seconds())


def release(session: Session, claim: Claim) -> None:
    """Return a job whose runner is shutting down; the attempt does not count. Raises `LeaseLost`."""
    job = lock_claimed_job(session, claim)
    if job.cancel_requested:
        mark_cancelled(session, claim)
        return
    requeue(session, job)
    append(session, job, kind="log", data={"message": "the worker is shutting down; the job waits for another one"})
    job.attempt -= 1


def requeue_expired(session: Session, *, max_attempts: int, except_job: str | None = None) -> list[str]:
    """Take every job whose lease has run out from its runner; return their ids. Any runner may do it, at any time.

    A runner leaves out the job it is busy with: whether that is still its own is for its heartbeat to find out.
    """
    moment = now(session)
    expired = or_(JobRow.lease_until.is_(None), JobRow.lease_until < moment)
    return _take_back(session, expired, JobRow.id.is_distinct_from(except_job), max_attempts=max_attempts)


def requeue_all_running(session: Session, *, max_attempts: int) -> list[str]:
    """Take back every running job at once. Only for a runner that knows it is alone, as the embedded one does."""
    return _take_back(session, max_attempts=max_attempts)


def see_worker(session: Session, *, worker_id: str, host: str, device: str, job_id: str | None) -> None:
    """Note that a runner is alive, and what it works on."""
    seen = {"host": host, "device": device, "job_id": job_id, "last_seen": now(session)}
    row = insert(session, WorkerRow).values(id=worker_id, **seen)
    session.execute(row.on_conflict_do_update(index_elements=["id"], set_=seen))


def forget_workers(session: Session, *, unseen_s: float) -> None:
    """Drop runners that were not seen for `unseen_s`."""
    session.execute(delete(WorkerRow).where(WorkerRow.last_seen < now(session) - timedelta(seconds=unseen_s)))


def forget_worker(session: Session, worker_id: str) -> None:
    """Drop a runner that is leaving."""
    session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))


def _take_back(session: Session, *conditions: Any, max_attempts: int) -> list[str]:
    """Lock the running jobs that meet the conditions, one after the other, and decide about each."""
    lost = session.scalars(
        select(JobRow)
        .where(JobRow.status == "running", *conditions)
        .order_by(JobRow.id)
        .with_for_update(skip_locked=True)
    ).all()
    for job in lost:
        counters.count(session, "lease_losses", job.kind)
        detail = "the worker that ran it was not heard any more"
        retry_or_fail(session, job, code="worker_lost", detail=detail, max_attempts=max_attempts)
    return [job.id for job in lost]
