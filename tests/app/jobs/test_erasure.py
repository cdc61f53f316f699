"""What a failed job said of a text goes with the text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import inspect, select
from support.registry_rows import make_adapter, make_prediction, make_ticket, ready_adapter, take

from app import jobs
from app.registry import adapters, drifts, predictions, tickets
from app.storage.database import Database
from app.storage.models import JobRow
from app.storage.table import Base

TEXT = "a cell of somebody's file"


def failed(db: Database, job: JobRow) -> None:
    """Two attempts, the last of which fails; both quote the text, and the first said something more."""
    claimed = take(db, job_id=job.id)
    with db.write() as session:
        jobs.log(session, claimed, f"looking at {TEXT}")
    with db.write() as session:
        jobs.end_attempt(session, claimed, code="crashed", detail=f"ValueError: {TEXT!r}", max_attempts=3)
    again = take(db, job_id=job.id)
    with db.write() as session:
        jobs.fail(session, again, code="no_adapter_for_language", detail=f"there is none for {TEXT!r}")


def rows_with_the_text(db: Database) -> list[str]:
    """Tables and columns in which it stands."""
    columns = [(mapper, column) for mapper in Base.registry.mappers for column in mapper.columns]
    with db.read() as session:
        held = [any(TEXT in str(value) for value in session.scalars(select(column))) for _, column in columns]
    names = (f"{inspect(mapper).local_table.name}.{column.name}" for mapper, column in columns)
    return sorted(name for name, there in zip(names, held, strict=True) if there)


def _prediction(db: Database) -> tuple[JobRow, Callable[[], None]]:
    prediction, job = make_prediction(db, ready_adapter(db))

    def forget() -> None:
        with db.write() as session:
            predictions.delete_prediction(session, tenant=job.tenant, prediction_id=prediction.id)

    return job, forget


def _adapter(db: Database) -> tuple[JobRow, Callable[[], None]]:
    adapter, job = make_adapter(db)

    def forget() -> None:
        with db.write() as session:
            adapters.delete_adapter(session, tenant=job.tenant, adapter_id=adapter.id)

    return job, forget


def _ticket(db: Database) -> tuple[JobRow, Callable[[], None]]:
    _, ticket, job = make_ticket(db)

    def forget() -> None:
        with db.write() as session:
            tickets.delete_ticket(session, tenant=job.tenant, ticket_id=ticket.id)

    return job, forget


def _drift(db: Database) -> tuple[JobRow, Callable[[], None]]:
    drift, _, job = make_ticket(db)

    def forget() -> None:
        with db.write() as session:
            drifts.delete_drift(session, tenant=job.tenant, drift_id=drift.id)

    return job, forget


@pytest.mark.parametrize("make", [_prediction, _adapter, _ticket, _drift])
def test_no_table_holds_a_text_that_a_failure_quoted_once_its_resource_is_deleted(
    db: Database, make: Callable[[Database], tuple[JobRow, Callable[[], None]]]
) -> None:
    job, forget = make(db)
    failed(db, job)
    assert rows_with_the_text(db) == ["job_events.data", "jobs.error_detail"]
    forget()
    assert rows_with_the_text(db) == []
    with db.read() as session:
        kept = session.get_one(JobRow, job.id)
        events = jobs.events_after(session, job.id)
    assert (kept.status, kept.error_code) == ("failed", "no_adapter_for_language")
    assert [event.kind for event in events] == ["log", "log", "done"]
    assert events[-1].data["error"]["code"] == "no_adapter_for_language"
