"""Stored answers of requests that started a job, by their `Idempotency-Key`, for as long as a repeat gets them.

A key is scoped to tenant, method and path.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.errors import IdempotencyConflict
from app.storage.models import IdempotencyKeyRow
from app.storage.table import now

KEPT = timedelta(hours=24)


class ScopedKey(NamedTuple):
    """A key with what it is scoped to: the primary key of its row."""

    tenant: str
    method: str
    path: str
    key: str


def stored_answer(session: Session, key: ScopedKey, *, digest: str) -> dict[str, Any] | None:
    """Return the answer stored under `key`, if there is one; `digest` identifies the body of the request.

    Raises `IdempotencyConflict` if the key came before with another body.
    """
    row = session.get(IdempotencyKeyRow, key)
    if row is None or row.created_at < now(session) - KEPT:
        return None
    if row.body_sha256 != digest:
        raise IdempotencyConflict(
            f"the Idempotency-Key {key.key!r} was used with another body; take a new key for a new request"
        )
    return row.response


def store_answer(session: Session, key: ScopedKey, answer: dict[str, Any], *, digest: str, job_id: str) -> None:
    """Store the 202 that started `job_id`."""
    row = IdempotencyKeyRow(
        **key._asdict(), body_sha256=digest, status=202, response=answer, job_id=job_id, created_at=now(session)
    )
    session.add(row)


def forget_expired(session: Session) -> None:
    """Delete the answers that are kept no longer."""
    session.execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < now(session) - KEPT))
