"""What a job said in words is erased with what it was to make: a failure may quote a text that was sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.storage.models import JobEventRow, JobRow

ERASED = "erased with what the job was to make"


def erase_words(session: Session, job_id: str | None) -> None:
    """Erase the detail of a finished job's failure and its log lines; codes and figures stay."""
    if job_id is None:
        return
    failed = JobRow.id == job_id, JobRow.error_detail.is_not(None)
    session.execute(update(JobRow).where(*failed).values(error_detail=ERASED))
    said = JobEventRow.job_id == job_id, JobEventRow.kind.in_(("log", "done"))
    for event in session.scalars(select(JobEventRow).where(*said)):
        event.data = _without_words(event.data)
    session.flush()


def _without_words(data: dict[str, Any]) -> dict[str, Any]:
    kept = {**data, "message": ERASED} if "message" in data else dict(data)
    if kept.get("error"):
        kept["error"] = {**kept["error"], "detail": ERASED}
    return kept
