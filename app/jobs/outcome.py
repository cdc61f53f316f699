"""How a job ends: succeeded with its publication, failed, cancelled, or tried again."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import JobFinished, JobNotFound
from app.jobs.fence import Claim, lock_claimed_job
from app.jobs.progress import append, snapshot
from app.jobs.webhook_deliveries import announce
from app.storage import audit, counters
from app.storage.audit import AuditContext
from app.storage.job_status import FINISHED
from app.storage.models import AdapterRow, DriftRow, JobRow, LanguageDeltaRow, PredictionRow, TicketRow
from app.storage.table import now

LONGEST_DETAIL = 2000


def succeed(session: Session, job: JobRow) -> None:
    """End a job that the caller holds, in the transaction that publishes its result.

    Reports are throttled, so the last one tells of a part: what is published is all of it, and is shown so.
    """
    if job.step < job.total:
        job.step = job.total
        append(session, job, kind="progress", data=snapshot(job) | {"eta_s": 0.0})
    _finish(session, job, status="succeeded")


def fail(session: Session, claim: Claim, *, code: str, detail: str) -> None:
    """End the job for good: trying again would not help. Raises `LeaseLost`."""
    _fail(session, lock_claimed_job(session, claim), code=code, detail=detail)


def mark_cancelled(session: Session, claim: Claim) -> None:
    """End a running job as cancelled, once its process is gone. Raises `LeaseLost`."""
    _finish(session, lock_claimed_job(session, claim), status="cancelled")


def end_attempt(session: Session, claim: Claim, *, code: str, detail: str, max_attempts: int) -> str:
    """Give up this attempt: back to the queue, or `failed` after the last one. Return the job's status."""
    return retry_or_fail(session, lock_claimed_job(session, claim), code=code, detail=detail, max_attempts=max_attempts)


def cancel(session: Session, *, tenant: str, job_id: str) -> JobRow:
    """Cancel at once what is queued; ask a running job to stop. Raises `JobNotFound`, `JobFinished`."""
    job = session.scalar(select(JobRow).where(JobRow.id == job_id, JobRow.tenant == tenant).with_for_update())
    if job is None:
        raise JobNotFound(job_id)
    if job.status in FINISHED:
        raise JobFinished(f"job {job_id} has already {_past(job.status)}; there is nothing to cancel")
    audit.set_subject(session, "job", job_id)
    job.cancel_requested = True
    if job.status == "queued":
        _finish(session, job, status="cancelled")
    return job


def retry_or_fail(session: Session, job: JobRow, *, code: str, detail: str, max_attempts: int) -> str:
    """Decide about a job, locked by the caller, whose attempt is over without a result."""
    counters.count(session, "job_attempts_lost", job.kind, code)
    if job.cancel_requested:
        _finish(session, job, status="cancelled")
    elif job.attempt >= max_attempts:
        _fail(session, job, code=code, detail=f"{detail} (attempt {job.attempt} of {max_attempts}, the last)")
    else:
        requeue(session, job)
        message = f"attempt {job.attempt} ended ({code}): {detail}; it will be tried again"
        append(session, job, kind="log", data={"message": message})
    return job.status


def requeue(session: Session, job: JobRow) -> None:
    """Put a locked running job back to its old place in the queue."""
    job.status, job.owner, job.lease_until = "queued", None, None
    job.phase, job.step, job.total, job.eta_s, job.progress_at = None, 0, 0, None, None
    session.flush()


def _fail(session: Session, job: JobRow, *, code: str, detail: str) -> None:
    job.error_code, job.error_detail = code[:64], detail.replace("\0", "")[:LONGEST_DETAIL]
    act = AuditContext(f"job:{job.id}", "fail_job")
    audit.note(session, act, tenant=job.tenant, kind="job", resource_id=job.id)
    _finish(session, job, status="failed")


def _finish(session: Session, job: JobRow, *, status: str) -> None:
    """Close a locked job, settle what it was to make, and tell those who watch."""
    job.status, job.owner, job.lease_until, job.eta_s = status, None, None, None
    job.finished_at = now(session)
    if job.started_at is not None:
        seconds = (job.finished_at - job.started_at).total_seconds()
        counters.observe(session, "job_seconds", job.kind, status, seconds=seconds)
    if status != "succeeded":
        for resource in (DriftRow, TicketRow, LanguageDeltaRow, AdapterRow, PredictionRow):
            session.execute(
                update(resource).where(resource.job_id == job.id, resource.status == "pending").values(status=status)
            )
    error = {"code": job.error_code, "detail": job.error_detail} if job.error_code else None
    append(session, job, kind="done", data={"status": status, "error": error})
    announce(session, job)


def _past(status: str) -> str:
    return {"succeeded": "succeeded", "failed": "failed", "cancelled": "been cancelled"}[status]
