"""The audit trail in the database: an event is part of the transaction it tells of."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from support.registry_rows import ready_adapter

from app.registry import tickets
from app.storage.audit import AuditContext, set_subject
from app.storage.database import Database
from app.storage.models import AdapterRow, AuditEventRow

RENAME = update(AdapterRow).values(name="renamed")


@pytest.fixture
def acting(db: Database) -> Database:
    """A view that keeps a trail, of a tenant with one adapter."""
    ready_adapter(db)
    return db.of("default", act=AuditContext("key:1", "rename", "request-1"))


def events(db: Database) -> list[tuple[Any, ...]]:
    seen = (
        AuditEventRow.tenant,
        AuditEventRow.actor,
        AuditEventRow.action,
        AuditEventRow.resource_kind,
        AuditEventRow.request_id,
    )
    with db.read() as session:
        return [tuple(row) for row in session.execute(select(*seen))]


def test_a_transaction_leaves_one_event_however_much_it_changes(db: Database, acting: Database) -> None:
    with acting.write() as session:
        session.execute(RENAME)
        with session.begin_nested():
            session.scalars(select(AdapterRow)).one().name = "again"
        set_subject(session, "adapter", "1")
    assert events(db) == [("default", "key:1", "rename", "adapter", "request-1")]


def test_what_is_undone_has_not_happened(db: Database, acting: Database) -> None:
    def rename_and_fail() -> None:
        with acting.write() as session:
            session.execute(RENAME)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rename_and_fail()
    assert events(db) == []


def test_reading_in_a_write_transaction_is_no_event(db: Database, acting: Database) -> None:
    with acting.write() as session:
        tickets.list_page(session, tenant="default")
    assert events(db) == []


def test_a_view_without_an_act_leaves_nothing_and_a_view_of_a_view_what_it_left(db: Database, acting: Database) -> None:
    with db.of("default").write() as session:
        session.execute(RENAME)
    with acting.of("other").write() as session:
        session.execute(RENAME)
    assert events(db) == [("other", "key:1", "rename", None, "request-1")]
