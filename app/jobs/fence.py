"""Fencing: a job's writer proves in each transaction that the job is still its own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import CancelRequested, LeaseLost
from app.storage.models import JobRow


@dataclass(frozen=True)
class Claim:
    """One attempt at one job by one runner. `attempt` and `owner` together fence every write."""

    job_id: str
    attempt: int
    owner: str


def lock_claimed_job(session: Session, claim: Claim) -> JobRow:
    """Lock and return the job if the claim still holds. Raises `LeaseLost`: stop, and discard what was done."""
    job = session.scalar(
        select(JobRow)
        .where(
            JobRow.id == claim.job_id,
            JobRow.attempt == claim.attempt,
            JobRow.owner == claim.owner,
            JobRow.status == "running",
        )
        .with_for_update()
    )
    if job is None:
        raise LeaseLost(f"job {claim.job_id}: attempt {claim.attempt} is not the running one any more")
    return job


def lock_for_publish(session: Session, claim: Claim) -> JobRow:
    """As `lock_claimed_job`, and raise `CancelRequested` once that was asked for: nothing may be published then."""
    job = lock_claimed_job(session, claim)
    if job.cancel_requested:
        raise CancelRequested(f"job {claim.job_id} is to be cancelled")
    return job
