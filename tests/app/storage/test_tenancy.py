"""A view sees one tenant's rows and writes no others, however the statement is put; no table can be forgotten."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Executable,
    case,
    delete,
    event,
    exists,
    func,
    inspect,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy.orm import aliased
from support.registry_rows import ready_adapter, ready_ticket

from app.errors import BlobNotFound, CorruptBlob
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import (
    AdapterRow,
    AliasRow,
    BlobChunkRow,
    BlobRow,
    DatasetRow,
    DriftRow,
    JobEventRow,
    JobRow,
    LanguageVersionRow,
    TicketRow,
    WorkerRow,
)
from app.storage.table import Base, insert, new_id, now
from app.storage.tenancy import EVERY_TENANT, PARENT_THERE, ForeignRow, parent_keys, tenant_classes

ROOT = Path(__file__).parents[3]
OURS, THEIRS = "ours", "theirs"
Other, OtherBlob, OtherChunk, OtherEvent = (
    aliased(AdapterRow),
    aliased(BlobRow),
    aliased(BlobChunkRow),
    aliased(JobEventRow),
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database in which two tenants have the same things; no test here commits anything."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("tenancy") / "ltp.sqlite3"
            url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), path)}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        db = Database(url)
        stack.callback(db.close)
        for tenant in (OURS, THEIRS):
            ready_ticket(db, tenant=tenant)
            ready_adapter(db, tenant=tenant, alias="production")
        yield db


class Undone(Exception):
    """Ends a transaction that shall leave nothing."""


@contextmanager
def undone(db: Database) -> Iterator[Any]:
    """A write transaction that is not committed."""
    with suppress(Undone), db.write() as session:
        yield session
        raise Undone


def everything(session: Any) -> dict[str, dict[str, list[str]]]:
    """What each tenant has in every table, as the transaction sees it."""
    found: dict[str, dict[str, list[str]]] = {OURS: {}, THEIRS: {}}
    for table in (*tenant_classes(), *parent_keys()):
        whose = table if table in tenant_classes() else parent_keys()[table][1]
        rows = select(whose.tenant, *(getattr(table, column.key) for column in inspect(table).column_attrs))
        if whose is not table:
            rows = rows.join(whose, inspect(whose).primary_key[0] == parent_keys()[table][0])
        for tenant, *row in session.execute(rows, execution_options=EVERY_TENANT):
            found[tenant].setdefault(table.__name__, []).append(repr(row))
    return {tenant: {name: sorted(rows) for name, rows in tables.items()} for tenant, tables in found.items()}


SELECTS: dict[str, Callable[[], Any]] = {
    "entity": lambda: select(AdapterRow),
    "column": lambda: select(AdapterRow.id),
    "alias": lambda: select(Other.id),
    "aliased blob": lambda: select(OtherBlob.id),
    "aliased child": lambda: select(OtherChunk.idx),
    "aliased child of a job": lambda: select(OtherEvent.job_id),
    "child of an alias": lambda: select(OtherChunk.idx).join(OtherBlob, OtherBlob.id == OtherChunk.blob_id),
    "child": lambda: select(BlobChunkRow.blob_id),
    "child of a job": lambda: select(JobEventRow.job_id),
    "join": lambda: select(AliasRow.alias).join(AdapterRow, AdapterRow.id == AliasRow.adapter_id),
    "join to an alias": lambda: select(AliasRow.alias).join(Other, Other.id == AliasRow.adapter_id),
    "join of a child": lambda: select(BlobChunkRow.idx).join(BlobRow, BlobRow.id == BlobChunkRow.blob_id),
    "two tables without a join": lambda: select(AliasRow.alias, JobRow.id).where(
        JobRow.resource_id == AliasRow.adapter_id
    ),
    "table of the where clause only": lambda: select(literal(1)).where(AdapterRow.id.is_not(None)),
    "select_from": lambda: select(literal(1)).select_from(AdapterRow),
    "subquery": lambda: select(select(AdapterRow.id).subquery().c.id),
    "common table expression": lambda: select(select(AdapterRow.id).cte().c.id),
    "union": lambda: select(AdapterRow.id).union_all(select(AdapterRow.id)),
    "lock": lambda: select(AdapterRow).with_for_update(),
    "in": lambda: select(AliasRow.alias).where(AliasRow.adapter_id.in_(select(AdapterRow.id))),
    "distinct": lambda: select(AdapterRow.id).distinct(),
    "window": lambda: select(AdapterRow.id, func.row_number().over(order_by=AdapterRow.id)),
}


@pytest.mark.parametrize("put", SELECTS.values(), ids=SELECTS)
def test_half_of_the_rows_are_seen(both: Database, put: Callable[[], Executable]) -> None:
    with both.read() as session:
        everything = len(session.execute(put()).all())
    assert everything >= 2
    for tenant in (OURS, THEIRS, OURS):  # the same statement, cached, with another tenant
        with both.of(tenant).read() as session:
            assert len(session.execute(put()).all()) == everything / 2
    with both.of("nobody").read() as session:
        assert session.execute(put()).all() == []


COUNTS: dict[str, Callable[[], Any]] = {
    "count": lambda: select(func.count()).select_from(AdapterRow),
    "count of a column": lambda: select(func.count(AdapterRow.id)),
    "scalar subquery": lambda: select(select(func.count(AdapterRow.id)).scalar_subquery()),
    "scalar subquery in the list": lambda: select(
        func.coalesce(select(func.count(BlobRow.id)).scalar_subquery(), 0) + literal(0)
    ),
    "sum over the children": lambda: select(func.coalesce(func.sum(BlobChunkRow.size), 0)),
    "exists alone": lambda: select(case((exists().where(AdapterRow.lang == "sw"), 1), else_=0)),
    "one exists or the other": lambda: select(
        case((or_(exists().where(AdapterRow.lang == "sw"), exists().where(DriftRow.language == "en")), 1), else_=0)
    ),
}


@pytest.mark.parametrize("put", COUNTS.values(), ids=COUNTS)
def test_figures_count_ones_own(both: Database, put: Callable[[], Any]) -> None:
    with both.read() as session:
        everything = session.scalar(put())
    with both.of(OURS).read() as session:
        own = session.scalar(put())
    assert own in (everything, everything / 2)
    assert own > 0
    with both.of("nobody").read() as session:
        assert session.scalar(put()) == 0


def test_an_outer_join_shows_nothing_of_the_other_side(both: Database) -> None:
    with both.read() as session:
        theirs = session.scalars(select(JobRow.id).where(JobRow.tenant == THEIRS).limit(1)).one()
    for tenant, seen in ((OURS, None), (THEIRS, theirs)):
        with undone(both.of(tenant)) as session:
            session.add(WorkerRow(id=new_id(), host="h", device="cpu", job_id=theirs, last_seen=now(session)))
            working = select(WorkerRow.host, JobRow.id).outerjoin(JobRow, JobRow.id == WorkerRow.job_id)
            assert session.execute(working).all() == [("h", seen)]


@pytest.mark.parametrize("table", tenant_classes(), ids=lambda table: table.__name__)
def test_no_table_with_a_tenant_can_be_left_out(both: Database, table: type[Base]) -> None:
    """Whatever is mapped, in a SELECT, an UPDATE and a DELETE the tenant stands in the WHERE clause."""
    said: list[str] = []
    event.listen(both.engine, "before_cursor_execute", lambda *call: said.append(" ".join(call[2].split())))
    key = inspect(table).primary_key[0]
    with undone(both.of("nobody")) as session:
        session.execute(select(table))
        session.execute(update(table).values({key: key}), execution_options={"synchronize_session": False})
        session.execute(delete(table), execution_options={"synchronize_session": False})
    narrowed = [one for one in said if re.search(rf"WHERE .*\b{table.__tablename__}\.tenant = ", one)]
    assert [one.split()[0] for one in narrowed] == ["SELECT", "UPDATE", "DELETE"]


def test_every_table_belongs_to_somebody_through_its_parent_or_to_nobody() -> None:
    mapped = {mapper.class_ for mapper in Base.registry.mappers}
    assert {mapper.local_table for mapper in Base.registry.mappers} == set(Base.metadata.sorted_tables)
    assert set(tenant_classes()) == {table for table in mapped if "tenant" in inspect(table).columns}
    assert set(parent_keys()) == {BlobChunkRow, JobEventRow}
    assert set(PARENT_THERE) == set(parent_keys())
    nobodys = mapped - set(tenant_classes()) - set(parent_keys())
    assert {table.__name__ for table in nobodys} == {"TenantRow", "WorkerRow", "CounterRow"}, (
        "say whose the new table's rows are"
    )


CHANGES: dict[str, Callable[[], Any]] = {
    "update": lambda: update(AdapterRow).values(name="taken"),
    "update with a subquery": lambda: (
        update(AliasRow)
        .where(AliasRow.adapter_id.in_(select(AdapterRow.id)))
        .values(updated_at=func.current_timestamp())
    ),
    "update of children": lambda: update(BlobChunkRow).values(idx=BlobChunkRow.idx + 9),
    "delete": lambda: delete(AliasRow),
    "delete of children": lambda: delete(BlobChunkRow),
    "delete by a subquery": lambda: delete(BlobChunkRow).where(BlobChunkRow.blob_id.in_(select(BlobRow.id))),
    "delete by exists": lambda: delete(JobEventRow).where(exists().where(JobRow.id == JobEventRow.job_id)),
    "delete returning": lambda: delete(AliasRow).returning(AliasRow.alias),
}


@pytest.mark.parametrize("put", CHANGES.values(), ids=CHANGES)
def test_changes_meet_ones_own_rows_only(both: Database, put: Callable[[], Any]) -> None:
    with undone(both.of(THEIRS)) as session:
        before = everything(session)
        session.execute(put(), execution_options={"synchronize_session": False})
        after = everything(session)
    assert after[OURS] == before[OURS]
    assert after[THEIRS] != before[THEIRS]


def test_getting_by_key_is_filtered_whether_the_row_was_loaded_or_not(both: Database) -> None:
    with both.read() as session:
        ours = session.scalars(select(AdapterRow).where(AdapterRow.tenant == OURS)).one()
        chunk = session.scalars(select(BlobChunkRow).where(BlobChunkRow.blob_id == ours.blob_id)).one()
    with both.of(THEIRS).read() as session:
        session.scalars(select(AdapterRow)).all()
        assert session.get(AdapterRow, ours.id) is None
        assert session.get(AdapterRow, ours.id, with_for_update=True) is None
        assert session.get(BlobChunkRow, (chunk.blob_id, chunk.idx)) is None
        assert session.get(AliasRow, (OURS, "sw", "production")) is None
    with both.of(OURS).read() as session:
        assert session.get_one(AdapterRow, ours.id).id == ours.id
        assert session.get_one(BlobChunkRow, (chunk.blob_id, chunk.idx)).data == b"delta"


def foreign(session: Any, db: Database) -> AdapterRow:
    with db.read() as whole:
        return whole.scalars(select(AdapterRow).where(AdapterRow.tenant == OURS)).one()


def added(session: Any, db: Database) -> None:
    session.add(
        DatasetRow(id=new_id(), tenant=OURS, kind="pairs", blob_id="b", sha256="s", count=1, created_at=now(session))
    )


def nobodys(session: Any, db: Database) -> None:
    row = {"id": new_id(), "kind": "pairs", "blob_id": "b", "sha256": "s", "count": 1, "created_at": now(session)}
    session.add(DatasetRow(**row))


def given_away(session: Any, db: Database) -> None:
    session.scalars(select(AdapterRow)).one().tenant = OURS


def attached(session: Any, db: Database) -> None:
    adapter = foreign(session, db)
    session.add(adapter)
    adapter.name = "taken"


def taken(session: Any, db: Database) -> None:
    adapter = foreign(session, db)
    session.add(adapter)
    adapter.tenant = THEIRS


def removed(session: Any, db: Database) -> None:
    session.delete(foreign(session, db))


def chunk(session: Any, db: Database) -> None:
    adapter = foreign(session, db)
    session.add(BlobChunkRow(blob_id=adapter.blob_id, idx=7, sha256="s", size=1, data=b"x"))


def reported(session: Any, db: Database) -> None:
    job_id = foreign(session, db).job_id
    session.add(JobEventRow(job_id=job_id, seq=99, kind="log", data={}, created_at=now(session)))


def inserted(session: Any, db: Database) -> None:
    session.execute(insert(session, LanguageVersionRow).values(tenant=OURS, lang="xx", last_version=1))


def inserted_among_ones_own(session: Any, db: Database) -> None:
    rows = [{"tenant": whose, "lang": "xx", "last_version": 1} for whose in (THEIRS, OURS)]
    session.execute(insert(session, LanguageVersionRow).values(rows))


def inserted_many(session: Any, db: Database) -> None:
    rows = [{"tenant": whose, "lang": "xx", "last_version": 1} for whose in (THEIRS, OURS)]
    session.execute(plain_insert(LanguageVersionRow), rows)


def inserted_chunk(session: Any, db: Database) -> None:
    values = {"blob_id": foreign(session, db).blob_id, "idx": 7, "sha256": "s", "size": 1, "data": b"x"}
    session.execute(insert(session, BlobChunkRow).values(values))


def inserted_from_a_query(session: Any, db: Database) -> None:
    rows = select(literal(OURS), AdapterRow.lang, literal(1))
    session.execute(plain_insert(LanguageVersionRow).from_select(["tenant", "lang", "last_version"], rows))


def updated_away(session: Any, db: Database) -> None:
    session.execute(update(AdapterRow).values(tenant=OURS))


def updated_by_key(session: Any, db: Database) -> None:
    session.execute(update(AdapterRow), [{"id": foreign(session, db).id, "name": "taken"}])


def written(session: Any, db: Database) -> None:
    session.execute(text("UPDATE adapters SET name = 'taken'"))


def bare(session: Any, db: Database) -> None:
    session.execute(select(AdapterRow.__table__.c.id))


def bare_within(session: Any, db: Database) -> None:
    session.execute(select(exists().where(AdapterRow.__table__.c.id == "x")))


def opaque(session: Any, db: Database) -> None:
    session.execute(select(func.row_number().over(order_by=AdapterRow.id)))


def opaque_within(session: Any, db: Database) -> None:
    session.execute(
        select(AliasRow.alias).where(literal(1).in_(select(func.row_number().over(order_by=AdapterRow.id))))
    )


def bare_child(session: Any, db: Database) -> None:
    session.execute(delete(BlobChunkRow.__table__))


FAULTS = (
    added,
    nobodys,
    given_away,
    attached,
    taken,
    removed,
    chunk,
    reported,
    inserted,
    inserted_among_ones_own,
    inserted_many,
    inserted_chunk,
    inserted_from_a_query,
    updated_away,
    updated_by_key,
    written,
    bare,
    bare_within,
    bare_child,
    opaque,
    opaque_within,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_of_the_program_is_refused_and_nothing_is_written(both: Database, fault: Callable[..., None]) -> None:
    with both.read() as session:
        before = everything(session)
    with pytest.raises(ForeignRow), both.of(THEIRS).write() as session:
        fault(session, both)  # what it does not raise itself, the end of the transaction does
    with both.read() as session:
        assert everything(session) == before


def test_a_shared_ticket_and_its_mask_are_read_by_all_and_written_by_none(db: Database) -> None:
    store, made = BlobStore(db.of(THEIRS)), ready_ticket(db, tenant=OURS)[1]
    with db.read() as session:
        ticket = session.get_one(TicketRow, made.id)
    with db.of(THEIRS).read() as session:
        assert session.scalars(select(TicketRow)).all() == []
        assert session.scalars(select(BlobRow)).all() == []
    with pytest.raises(BlobNotFound):
        store.read(str(ticket.blob_id))
    with db.write() as session:
        session.get_one(TicketRow, ticket.id).shared = True
    with db.of(THEIRS).read() as session:
        assert session.get_one(TicketRow, ticket.id).id == ticket.id
        for blob, of_chunk in ((BlobRow.id, BlobChunkRow.blob_id), (OtherBlob.id, OtherChunk.blob_id)):
            assert session.scalars(select(blob)).all() == session.scalars(select(of_chunk)).all() == [ticket.blob_id]
        assert session.get(DriftRow, ticket.drift_id) is None
    assert store.read(str(ticket.blob_id)) == b"mask"
    with db.of(THEIRS).write() as session:
        session.execute(update(TicketRow).values(name="taken"))
        session.execute(update(BlobRow).values(status="corrupt"))
        session.execute(delete(BlobChunkRow), execution_options={"synchronize_session": False})
    with pytest.raises(ForeignRow), db.of(THEIRS).write() as session:
        session.get_one(TicketRow, ticket.id).name = "taken"
    with db.of(OURS).read() as session:
        assert session.get_one(TicketRow, ticket.id).name is None
    assert store.read(str(ticket.blob_id)) == b"mask"


def test_a_shared_adapter_and_its_values_are_read_by_all_and_written_by_none(db: Database) -> None:
    store, made = BlobStore(db.of(THEIRS)), ready_adapter(db, tenant=OURS, alias="production")
    with db.of(THEIRS).read() as session:
        assert session.get(AdapterRow, made.id) is None
    with db.write() as session:
        session.get_one(AdapterRow, made.id).shared = True
    with db.of(THEIRS).read() as session:
        assert session.get_one(AdapterRow, made.id).id == made.id
        assert session.scalars(select(BlobRow.id)).all() == [made.blob_id]
        assert session.scalars(select(AliasRow.alias)).all() == session.scalars(select(JobRow.id)).all() == []
        assert session.scalars(select(DatasetRow.id)).all() == []  # what it was trained on is nobody else's
    assert store.read(str(made.blob_id)) == b"delta"
    with db.of(THEIRS).write() as session:
        session.execute(update(AdapterRow).values(name="taken"))
        session.execute(delete(BlobChunkRow), execution_options={"synchronize_session": False})
    with pytest.raises(ForeignRow), db.of(THEIRS).write() as session:
        session.get_one(AdapterRow, made.id).name = "taken"
    with db.of(OURS).read() as session:
        assert session.get_one(AdapterRow, made.id).name is None
    assert store.read(str(made.blob_id)) == b"delta"


def test_a_damaged_shared_mask_is_refused_to_all_and_quarantined_by_its_own(db: Database) -> None:
    made = ready_ticket(db, tenant=OURS)[1]
    with db.write() as session:
        ticket = session.get_one(TicketRow, made.id)
        ticket.shared = True
        session.execute(update(BlobChunkRow).where(BlobChunkRow.blob_id == ticket.blob_id).values(data=b"mush"))
    for tenant, status in ((THEIRS, "ready"), (OURS, "corrupt"), (THEIRS, "corrupt")):
        with pytest.raises(CorruptBlob):
            BlobStore(db.of(tenant)).read(str(ticket.blob_id))
        with db.read() as session:
            assert session.get_one(BlobRow, ticket.blob_id).status == status


def sources() -> list[Path]:
    return sorted(path for package in ("app", "worker") for path in (ROOT / package).rglob("*.py"))


AROUND = {"__table__", "connection", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "text"}
"""Attributes and names of SQLAlchemy that lead past the hook."""


def test_nothing_goes_around_the_hook() -> None:
    """What the hook never sees is used nowhere, and what lifts it has one reason."""
    around, lifted = [], []
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if name in AROUND or (isinstance(node, ast.Attribute) and node.attr == "__table__"):
                around.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
            named = isinstance(node, ast.Name) and node.id == "EVERY_TENANT" and isinstance(node.ctx, ast.Load)
            if named or (isinstance(node, ast.keyword) and node.arg == "every_tenant"):
                lifted.append(str(path.relative_to(ROOT)))
    assert around == []
    assert set(lifted) == {"app/auth/key_store.py", "app/registry/tickets.py"}
