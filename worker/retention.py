"""Retention: what was finished long ago and is no product is deleted. Published artefacts always stay.

Deleted are file predictions with their texts and results, what failed or was cancelled with the texts it was made from,
finished jobs with their events, and audit events. Each but the last leaves an audit event. What an unfinished job, an
alias, or an idempotency key still refers to waits for a later sweep. A job that was cancelled before it began goes
after a day, whatever the settings say: it has made nothing and has nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from app.errors import InUse, NotFound
from app.registry import adapters, drifts, language_deltas, predictions, tickets
from app.settings import Settings
from app.storage import audit
from app.storage.audit import RETENTION, AuditContext
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import (
    AdapterRow,
    AuditEventRow,
    DriftRow,
    IdempotencyKeyRow,
    JobRow,
    LanguageDeltaRow,
    PredictionRow,
    TicketRow,
)
from app.storage.table import now

AT_ONCE = 100
"""Rows of each kind that one sweep deletes; the next one goes on."""
NOT_MADE = ("failed", "cancelled")
UNBEGUN = and_(JobRow.status == "cancelled", JobRow.started_at.is_(None))
"""A job that was cancelled while it was queued."""
UNBEGUN_DAYS = 1.0

Resource = type[PredictionRow] | type[AdapterRow] | type[LanguageDeltaRow] | type[TicketRow] | type[DriftRow]
Owned = tuple[str, str]
"""A row's id and tenant."""


def retire(settings: Settings, db: Database) -> int:
    """Delete what is older than the settings allow, some of each kind, and return how many rows that was."""
    retired = _retire_resources(db, UNBEGUN_DAYS, UNBEGUN) + _retire_jobs(db, UNBEGUN_DAYS, UNBEGUN)
    if settings.retention_days:
        retired += _retire_resources(db, settings.retention_days) + _retire_jobs(db, settings.retention_days)
    if settings.audit_days:
        retired += _retire_audit_events(db, settings.audit_days)
    return retired


def _retire_resources(db: Database, days: float, *only: ColumnElement[bool]) -> int:
    """Delete through the registry, which erases texts with what was made from them and refuses what is in use."""
    count = 0
    for resource, kind, statuses, erase in (
        (PredictionRow, "prediction", ("ready", *NOT_MADE), _erase_prediction),
        (AdapterRow, "adapter", NOT_MADE, _erase_adapter),
        (LanguageDeltaRow, "language_delta", NOT_MADE, _erase_language_delta),
        (TicketRow, "ticket", NOT_MADE, _erase_ticket),
        (DriftRow, "drift", NOT_MADE, _erase_drift),
    ):
        with db.read() as session:
            overdue = _overdue(session, resource, statuses, days, *only)
        for row in overdue:
            count += _erased(db, erase, row, kind)
    return count


def _overdue(
    session: Session, resource: Resource, statuses: Sequence[str], days: float, *only: ColumnElement[bool]
) -> list[Owned]:
    """Find resources that were finished before the time given; one whose job is gone counts from its creation."""
    finished = func.coalesce(JobRow.finished_at, resource.created_at)
    rows = (
        select(resource.id, resource.tenant)
        .outerjoin(JobRow, JobRow.id == resource.job_id)
        .where(resource.status.in_(statuses), finished < _ago(session, days))
        .where(or_(JobRow.id.is_(None), JobRow.status.in_(FINISHED)), ~_remembered(resource.job_id), *only)
    )
    return [(row_id, tenant) for row_id, tenant in session.execute(rows.order_by(resource.id).limit(AT_ONCE))]


def _erased(db: Database, erase: Callable[[Session, Owned], None], row: Owned, kind: str) -> bool:
    """Delete one row in a transaction of its own; tell whether it could be done."""
    row_id, tenant = row
    try:
        with db.write() as session:
            erase(session, row)
            audit.note(session, AuditContext(RETENTION, f"delete_{kind}"), tenant=tenant, kind=kind, resource_id=row_id)
    except (NotFound, InUse):  # another runner was first, or it has just come into use
        return False
    return True


def _erase_prediction(session: Session, row: Owned) -> None:
    predictions.delete_prediction(session, prediction_id=row[0], tenant=row[1])


def _erase_adapter(session: Session, row: Owned) -> None:
    adapters.delete_adapter(session, adapter_id=row[0], tenant=row[1])


def _erase_language_delta(session: Session, row: Owned) -> None:
    language_deltas.delete_language_delta(session, language_delta_id=row[0], tenant=row[1])


def _erase_ticket(session: Session, row: Owned) -> None:
    tickets.delete_ticket(session, ticket_id=row[0], tenant=row[1])


def _erase_drift(session: Session, row: Owned) -> None:
    drifts.delete_drift(session, drift_id=row[0], tenant=row[1])


def _retire_jobs(db: Database, days: float, *only: ColumnElement[bool]) -> int:
    """Delete finished jobs; their events go with them, and what they made forgets which job made it."""

    def overdue(session: Session) -> Select[str]:
        old = select(JobRow.id).where(JobRow.status.in_(FINISHED), JobRow.finished_at < _ago(session, days), *only)
        unmade = (
            exists().where(table.job_id == JobRow.id, table.status.in_(NOT_MADE))
            for table in (AdapterRow, LanguageDeltaRow, TicketRow, DriftRow)
        )
        kept = (_remembered(JobRow.id), exists().where(PredictionRow.job_id == JobRow.id), *unmade)
        return old.where(*(~each for each in kept)).order_by(JobRow.id).limit(AT_ONCE)

    return _deleted(db, JobRow, overdue)


def _retire_audit_events(db: Database, days: float) -> int:
    def overdue(session: Session) -> Select[str]:
        old = select(AuditEventRow.id).where(AuditEventRow.created_at < _ago(session, days))
        return old.order_by(AuditEventRow.created_at).limit(10 * AT_ONCE)

    return _deleted(db, AuditEventRow, overdue)


def _deleted(db: Database, table: type[JobRow | AuditEventRow], overdue: Callable[[Session], Select[str]]) -> int:
    """Delete the rows that `overdue` selects and no other transaction is deleting; no write where there are none."""
    with db.read() as session:
        if session.scalar(overdue(session)) is None:
            return 0
    with db.write() as session:
        doomed = session.scalars(overdue(session).with_for_update(skip_locked=True)).all()
        gone = session.execute(delete(table).where(table.id.in_(doomed)).returning(table.id, table.tenant)).all()
        if table is JobRow:
            for row_id, tenant in gone:
                act = AuditContext(RETENTION, "delete_job")
                audit.note(session, act, tenant=tenant, kind="job", resource_id=row_id)
    return len(gone)


def _ago(session: Session, days: float) -> datetime:
    return now(session) - timedelta(days=days)


def _remembered(job_id: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether a repeated request would still be answered with this job."""
    return exists().where(IdempotencyKeyRow.job_id == job_id)
