"""What a running job reports: its present state on the job, and a bounded history of events for those who watch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.jobs.fence import Claim, lock_for_publish
from app.storage.models import JobEventRow, JobRow
from app.storage.table import now

KEPT_EVENTS = 1000
"""Older progress events go; logs stay. A day's training must not fill the table."""
TRIM_EVERY = 100
EVENT_BYTES = 100
"""What an event takes beside its content."""


def record_progress(
    session: Session,
    claim: Claim,
    *,
    phase: str,
    step: int,
    total: int,
    metrics: Mapping[str, float],
    eta_s: float | None,
    epochs: Sequence[Mapping[str, float]] = (),
) -> JobRow:
    """Note how far the job is, and tell watchers, also of the `epochs` that have ended since they were told last.

    The caller throttles. Raises `LeaseLost` or `CancelRequested`.
    """
    job = lock_for_publish(session, claim)
    job.phase, job.step, job.total, job.eta_s = phase[:64], step, total, eta_s
    job.metrics = _finite(metrics)
    job.progress_at = now(session)
    told = {"epochs": [_finite(epoch) for epoch in epochs]} if epochs else {}
    append(session, job, kind="progress", data=snapshot(job) | told)
    return job


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures as JSON can say them."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def log(session: Session, claim: Claim, message: str) -> None:
    """Tell watchers something in words. Raises `LeaseLost` or `CancelRequested`."""
    append(session, lock_for_publish(session, claim), kind="log", data={"message": message})


def snapshot(job: JobRow) -> dict[str, Any]:
    """Return the job's progress as the API shows it."""
    return {"phase": job.phase, "step": job.step, "total": job.total, "eta_s": job.eta_s, "metrics": job.metrics}


def append(session: Session, job: JobRow, *, kind: str, data: dict[str, Any]) -> None:
    """Add an event to a job whose row this transaction has locked, so that numbers follow each other."""
    seq = 1 + (session.scalar(select(func.max(JobEventRow.seq)).where(JobEventRow.job_id == job.id)) or 0)
    content = {"attempt": job.attempt, **data}
    session.add(JobEventRow(job_id=job.id, seq=seq, kind=kind, data=content, created_at=now(session)))
    job.event_bytes = (job.event_bytes or 0) + _size(content)
    session.flush()
    if seq % TRIM_EVERY == 0:
        _trim(session, job, seq)


def _trim(session: Session, job: JobRow, seq: int) -> None:
    """Delete old progress events of a locked job."""
    old = JobEventRow.kind == "progress", JobEventRow.seq < seq - KEPT_EVENTS
    gone = delete(JobEventRow).where(JobEventRow.job_id == job.id, *old).returning(JobEventRow.data)
    job.event_bytes = max(0, (job.event_bytes or 0) - sum(map(_size, session.scalars(gone))))


def _size(content: dict[str, Any]) -> int:
    """Bytes of an event as it is stored, near enough."""
    return EVENT_BYTES + len(json.dumps(content))
