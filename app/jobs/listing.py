"""Reading jobs and their events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import JobNotFound
from app.storage.models import JobEventRow, JobRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page


def get(session: Session, *, tenant: str, job_id: str) -> JobRow:
    """Return a job of the tenant. Raises `JobNotFound`."""
    job = session.scalar(select(JobRow).where(JobRow.id == job_id, JobRow.tenant == tenant))
    if job is None:
        raise JobNotFound(job_id)
    return job


def list_jobs(
    session: Session,
    *,
    tenant: str,
    status: str | None = None,
    kind: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[JobRow]:
    """List a tenant's jobs, newest first."""
    rows = select(JobRow).where(JobRow.tenant == tenant)
    if status is not None:
        rows = rows.where(JobRow.status == status)
    if kind is not None:
        rows = rows.where(JobRow.kind == kind)
    return read_page(session, rows, by=JobRow.id, limit=limit, cursor=cursor)


def events_after(session: Session, job_id: str, seq: int = 0, *, limit: int = 500) -> Sequence[JobEventRow]:
    """Return a job's events after number `seq`, in order. The one of kind `done` is the last there will ever be."""
    rows = select(JobEventRow).where(JobEventRow.job_id == job_id, JobEventRow.seq > seq)
    return session.scalars(rows.order_by(JobEventRow.seq).limit(limit)).all()


def own_job_ids(session: Session, job_ids: Iterable[str | None], *, tenant: str) -> frozenset[str]:
    """Return those of the ids that are jobs of the tenant."""
    asked = [job_id for job_id in job_ids if job_id is not None]
    return frozenset(session.scalars(select(JobRow.id).where(JobRow.id.in_(asked), JobRow.tenant == tenant)))
