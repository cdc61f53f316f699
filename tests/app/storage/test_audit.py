"""The audit trail in the database: an event is part of the transaction it tells of."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from support.registry_rows import BACKBONE, TENANT, figures_of, make_adapter, ready_adapter, take

from app import jobs
from app.registry import imports, publish, tickets
from app.registry.adapter_notes import AdapterNotes
from app.storage.audit import AuditContext, set_subject
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, AuditEventRow
from ltp.config import TicketConfig

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


def changes(db: Database) -> list[tuple[Any, ...]]:
    """Who did what to what, in order."""
    seen = (AuditEventRow.actor, AuditEventRow.action, AuditEventRow.resource_kind, AuditEventRow.resource_id)
    with db.read() as session:
        return [tuple(row) for row in session.execute(select(*seen).order_by(AuditEventRow.id))]


def test_an_alias_that_a_publication_moves_has_an_event_of_its_own(db: Database) -> None:
    adapter, job = make_adapter(db, alias="production")
    claimed = take(db, job_id=job.id)
    blob = BlobStore(db).stage(TENANT, [b"delta"], job_id=job.id)
    result = publish.AdapterResult(blob.id, 5, AdapterNotes({}, {}, {}))
    actor = f"job:{job.id}"
    with db.of(TENANT, act=AuditContext(actor, "publish_adapter")).write() as session:
        publish.publish_adapter(session, claimed, result)
    published = (actor, "publish_adapter", "adapter", adapter.id)
    assert changes(db) == [published, (actor, "set_alias", "alias", "sw@production")]


def test_a_ticket_and_an_alias_that_come_with_an_import_have_events_of_their_own(db: Database) -> None:
    store, acting = BlobStore(db), db.of(TENANT, act=AuditContext("key:1", "import_adapter", "request-1"))
    mask, delta = (store.stage(TENANT, [content]).id for content in (b"mask", b"delta"))
    staged = tickets.StagedTicket(mask, "a" * 64, 4, figures_of(active=1))
    brought = imports.ImportedAdapter(delta, 5, "sw", None, "ltp", BACKBONE, seeds=1, notes=AdapterNotes({}, {}, {}))
    with acting.write() as session:
        ticket = imports.add_ticket(
            session, staged, tenant=TENANT, backbone=BACKBONE, strategy="decoupled", config=TicketConfig()
        )
        adapter = imports.add_adapter(session, brought, tenant=TENANT, ticket_id=ticket.id, alias="best")
    assert changes(db) == [
        ("key:1", "import_adapter", "adapter", adapter.id),
        ("key:1", "create_ticket", "ticket", ticket.id),
        ("key:1", "set_alias", "alias", "sw@best"),
    ]


def test_a_job_that_fails_leaves_an_event(db: Database) -> None:
    _, job = make_adapter(db)
    claimed = take(db, job_id=job.id)
    with db.write() as session:
        jobs.fail(session, claimed, code="broken", detail="a text that was sent")
    assert changes(db) == [(f"job:{job.id}", "fail_job", "job", job.id)]
