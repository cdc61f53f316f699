"""An upgrade of a database in use: rows of the version before stay as they are, and its processes go on writing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, func, select
from sqlalchemy.exc import IntegrityError

from app.registry.aliases import resolve_adapter
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, JobRow, TenantRow, TicketRow
from app.storage.table import new_id

BEFORE, SINCE = "0002", "0003"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTENT = b"what an adapter is made of"
Rows = dict[str, dict[str, Any]]


@pytest.fixture(params=["sqlite", "postgres"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database as the version before left it."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ltp.sqlite3'}"
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").database(migrated=False))
        db = Database(url)
        stack.callback(db.close)
        db.migrate(BEFORE)
        yield db


def tables(db: Database) -> MetaData:
    """The tables as they are in the database now, whatever the models say."""
    found = MetaData()
    found.reflect(db.engine)
    return found


def written(db: Database, schema: MetaData, *, tenant: str) -> Rows:
    """One row of everything, through the columns of `schema` alone; returns them by table."""
    names = ("job", "blob", "dataset", "drift", "ticket", "adapter")
    ids = {name: new_id() for name in names}
    digest = hashlib.sha256(CONTENT).hexdigest()
    owned = {"tenant": tenant, "created_at": MOMENT}
    made = {**owned, "status": "ready", "backbone": "b" * 64, "job_id": ids["job"], "published_at": MOMENT}
    rows: Rows = {
        "jobs": {
            **owned,
            "id": ids["job"],
            "kind": "adapter",
            "status": "succeeded",
            "payload": {},
            "metrics": {},
            "resource_kind": "adapter",
            "resource_id": ids["adapter"],
            "finished_at": MOMENT,
            "step": 1,
            "total": 1,
            "attempt": 1,
            "cancel_requested": False,
        },
        "job_events": {"job_id": ids["job"], "seq": 1, "kind": "done", "data": {"a": 1}, "created_at": MOMENT},
        "blobs": {**owned, "id": ids["blob"], "sha256": digest, "size": len(CONTENT), "status": "ready"},
        "blob_chunks": {"blob_id": ids["blob"], "idx": 0, "sha256": digest, "size": len(CONTENT), "data": CONTENT},
        "datasets": {
            **owned,
            "id": ids["dataset"],
            "kind": "examples",
            "blob_id": ids["blob"],
            "sha256": digest,
            "count": 3,
        },
        "drifts": {
            **made,
            "id": ids["drift"],
            "backbone_name": "tiny",
            "language": "en",
            "strategy": "decoupled",
            "config": {"epochs": 3},
            "report": {},
            "blob_id": ids["blob"],
        },
        "tickets": {
            **made,
            "id": ids["ticket"],
            "origin": "drift",
            "shared": False,
            "drift_id": ids["drift"],
            "active_ratio": 0.2,
            "rule": "global",
            "layers": "all",
            "strategy": "decoupled",
            "distribution": [],
            "blob_id": ids["blob"],
        },
        "adapters": {
            **made,
            "id": ids["adapter"],
            "lang": "sw",
            "version": 1,
            "method": "ltp",
            "origin": "training",
            "seeds": 1,
            "ticket_id": ids["ticket"],
            "training": {},
            "metrics": {},
            "examples": {"train": 3},
            "dataset_id": ids["dataset"],
            "blob_id": ids["blob"],
        },
        "language_versions": {"tenant": tenant, "lang": "sw", "last_version": 1},
        "aliases": {
            "tenant": tenant,
            "lang": "sw",
            "alias": "production",
            "adapter_id": ids["adapter"],
            "updated_at": MOMENT,
        },
    }
    with db.write() as session:
        for name, row in rows.items():
            session.execute(schema.tables[name].insert().values(**row))
    return rows


def everything(db: Database, schema: MetaData) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of `schema`, through its columns."""
    with db.read() as session:
        return {
            name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for name, table in schema.tables.items()
            if name != "alembic_version"
        }


def test_rows_of_the_version_before_come_through_up_and_down(old: Database) -> None:
    schema = tables(old)
    written(old, schema, tenant="field")
    before = everything(old, schema)
    assert sum(map(len, before.values())) == 10

    old.migrate(SINCE)
    assert everything(old, schema) == before
    with old.read() as session:
        assert set(session.scalars(select(TenantRow.name))) == {"default", "field"}
    command.downgrade(old.alembic(), BEFORE)
    assert everything(old, schema) == before
    assert set(tables(old).tables) == set(schema.tables)


def test_the_new_version_serves_what_the_one_before_made(old: Database) -> None:
    rows = written(old, tables(old), tenant="field")
    old.migrate()
    with old.read() as session:
        adapter = resolve_adapter(session, tenant="field", reference="sw")
        assert (adapter.id, adapter.created_at) == (rows["adapters"]["id"], MOMENT)
    assert BlobStore(old).read(str(adapter.blob_id)) == CONTENT
    BlobStore(old).verify(str(adapter.blob_id))


def test_processes_of_the_version_before_go_on_while_the_schema_is_new_already(old: Database) -> None:
    """That is why the migration comes first, then the API, then the workers."""
    schema = tables(old)
    written(old, schema, tenant="field")
    old.migrate()
    late = written(old, schema, tenant="late")
    with old.write() as session:
        jobs = schema.tables["jobs"]
        session.execute(jobs.update().where(jobs.c.id == late["jobs"]["id"]).values(attempt=2))
    with old.read() as session:
        assert session.scalar(select(func.count()).select_from(AdapterRow)) == 2
        assert session.get_one(JobRow, late["jobs"]["id"]).attempt == 2
    assert all(len(rows) in (0, 2) for rows in everything(old, schema).values())


def test_imported_tickets_of_one_mask_become_one_with_everything_on_it(old: Database) -> None:
    """Imports at the same time once made several; the oldest stays, and so does whatever was said of the others."""
    schema = tables(old)
    rows = written(old, schema, tenant="field")
    imported = {**rows["tickets"], "origin": "import", "drift_id": None, "mask_sha256": "a" * 64}
    twins = [imported | {"id": new_id(), "shared": shared} for shared in (False, False, True)]
    alone = [imported | {"id": new_id()} | other for other in ({"mask_sha256": "c" * 64}, {"backbone": "c" * 64})]
    made = imported | {"id": new_id(), "origin": "drift"}
    on_twins = [
        {**rows["adapters"], "id": new_id(), "version": number, "ticket_id": twin["id"]}
        for number, twin in enumerate(twins, start=2)
    ]
    with old.write() as session:
        session.execute(schema.tables["tickets"].insert(), [*twins, *alone, made])
        session.execute(schema.tables["adapters"].insert(), on_twins)
    old.migrate()
    with old.read() as session:
        shared = {row.id: row.shared for row in session.scalars(select(TicketRow))}
        assert shared == {rows["tickets"]["id"]: False, twins[0]["id"]: True, made["id"]: False} | {
            row["id"]: False for row in alone
        }
        used = {row.id: row.ticket_id for row in session.scalars(select(AdapterRow))}
    assert used == {rows["adapters"]["id"]: rows["tickets"]["id"]} | {row["id"]: twins[0]["id"] for row in on_twins}
    with pytest.raises(IntegrityError), old.write() as session:
        session.execute(schema.tables["tickets"].insert(), [imported | {"id": new_id()}])


def test_adapters_of_the_version_before_began_from_pretrained_values_and_are_their_tenants_own(old: Database) -> None:
    rows = written(old, tables(old), tenant="field")
    old.migrate()
    with old.of("field").read() as session:
        adapter = session.get_one(AdapterRow, rows["adapters"]["id"])
        assert (adapter.start, adapter.start_id, adapter.shared) == (None, None, False)
    with old.of("other").read() as session:
        assert session.get(AdapterRow, rows["adapters"]["id"]) is None


def test_jobs_may_be_of_the_new_kind_and_those_there_keep_what_they_reported(old: Database) -> None:
    """The check of kinds is changed in place: what refers to a job, its events above all, is not touched."""
    schema = tables(old)
    rows = written(old, schema, tenant="field")
    old.migrate()
    new = {**rows["jobs"], "id": new_id(), "resource_kind": "language_delta"}
    with old.write() as session:
        session.execute(schema.tables["jobs"].insert(), [new | {"kind": "language_delta"}])
    with pytest.raises(IntegrityError), old.write() as session:
        session.execute(schema.tables["jobs"].insert(), [new | {"id": new_id(), "kind": "coffee"}])
    with old.read() as session:
        assert session.scalar(select(func.count()).select_from(schema.tables["job_events"])) == 1
        adapter = session.get_one(AdapterRow, rows["adapters"]["id"])
        assert (adapter.job_id, adapter.language_delta, adapter.language_delta_id) == (rows["jobs"]["id"], None, None)
    command.downgrade(old.alembic(), "0009")
    with pytest.raises(IntegrityError), old.write() as session:
        session.execute(schema.tables["jobs"].insert(), [new | {"kind": "language_delta"}])
    with old.read() as session:
        assert session.scalar(select(func.count()).select_from(schema.tables["job_events"])) == 1
