"""Which tenant's rows a session may touch. A view of one tenant adds that tenant to every statement it executes.

A mapped class with a `tenant` column belongs to that tenant; one without, whose key refers to such a class, belongs to
the tenant of its parent (a blob's chunks, a job's events); the rest belongs to no tenant (workers, counters, tenants).
SELECT, UPDATE and DELETE see a view's own rows only, in subqueries and joins, too; a ticket or an adapter that is
`shared`, with what is stored of it, can be read by all. INSERT, and whatever a flush writes, must carry the view's
tenant. What the hook cannot see through, SQL as text and tables without their class, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import (
    Executable,
    Insert,
    Select,
    TextClause,
    Update,
    UpdateBase,
    event,
    exists,
    inspect,
    or_,
)
from sqlalchemy.orm import InstrumentedAttribute, ORMExecuteState, Session, aliased, with_loader_criteria
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import SelectBase

from app.storage import audit
from app.storage.audit import AuditContext
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, JobEventRow, JobRow, TicketRow
from app.storage.table import Base

EVERY_TENANT = {"every_tenant": True}
"""Execution option of a statement that has to look beyond its tenant; it says why where it stands."""
KNOWN_TENANTS = 128
"""Tenants whose criteria are kept ready: some 25 KB each, and a millisecond to make."""
SHARED: tuple[Any, ...] = (TicketRow, AdapterRow)
"""Classes whose rows may be `shared`."""
SharedTicket, SharedAdapter = aliased(TicketRow), aliased(AdapterRow)
ParentBlob, ParentJob = aliased(BlobRow), aliased(JobRow)
"""Aliases, since the statement around may name the class, and would take the one in the criterion for its own."""
PARENT_THERE: dict[type[Base], Any] = {
    BlobChunkRow: lambda chunk: exists().where(ParentBlob.id == chunk.blob_id),
    JobEventRow: lambda event: exists().where(ParentJob.id == event.job_id),
}
"""What must hold for a row without `tenant` to be seen: that its parent can be."""
_ROW = re.compile(r"tenant(_m\d+)?")
"""What a compiled INSERT or UPDATE calls the new values of `tenant`."""


class ForeignRow(RuntimeError):
    """A view was about to touch what is not its tenant's, or what cannot be told: a fault of the program."""


class TenantSession(Session):
    """A session of one tenant, kept to it by the hooks below."""

    def __init__(self, bind: Any, *, tenant: str, act: AuditContext | None = None, **options: Any) -> None:
        super().__init__(bind, **options)
        self.tenant, self.act = tenant, act
        self.wrote = False
        """Whether the transaction changed anything."""


@cache
def tenant_classes() -> tuple[type[Base], ...]:
    """Return the mapped classes whose rows belong to a tenant, by name: statements are cached by this order."""
    classes = (mapper.class_ for mapper in Base.registry.mappers if "tenant" in mapper.columns)
    return tuple(sorted(classes, key=lambda each: each.__name__))


@cache
def parent_keys() -> dict[type[Base], tuple[InstrumentedAttribute[Any], type[Base]]]:
    """Return the mapped classes that belong to their parent's tenant: the key that names it, and its class."""
    owners = {inspect(each).local_table: each for each in tenant_classes()}
    children: dict[type[Base], tuple[InstrumentedAttribute[Any], type[Base]]] = {}
    for mapper in sorted(Base.registry.mappers, key=lambda each: each.class_.__name__):
        for column in mapper.primary_key if mapper.class_ not in tenant_classes() else ():
            for reference in column.foreign_keys:
                if reference.column.table in owners:
                    key = mapper.get_property_by_column(cast(Any, column)).key
                    children[mapper.class_] = (getattr(mapper.class_, key), owners[reference.column.table])
    return children


@event.listens_for(TenantSession, "do_orm_execute")
def _keep_to_tenant(state: ORMExecuteState) -> None:
    """Narrow a statement to the tenant's rows, or refuse it."""
    session, statement = cast(TenantSession, state.session), state.statement
    changes = state.is_insert or state.is_update or state.is_delete
    session.wrote = session.wrote or changes
    if state.execution_options.get("every_tenant", False):
        return
    _refuse_opaque(statement)
    if isinstance(statement, Insert):
        _check_insert(session, statement, state.parameters)
        return
    if isinstance(statement, Update):
        _check_update(session, statement, state.parameters)
    state.statement = cast(Any, statement).options(*_criteria(session.tenant, write=changes))


@event.listens_for(TenantSession, "before_flush")
def _check_flush(session: TenantSession, _context: object, _objects: object) -> None:
    """Refuse to write an object that is not the tenant's, or was not until a moment ago."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, tenant_classes()):
            _check_tenants(session, type(row), inspect(row).attrs["tenant"].history.sum())
        elif type(row) in parent_keys():
            _check_parent(session, type(row), getattr(row, parent_keys()[type(row)][0].key))
    session.wrote = True


@event.listens_for(TenantSession, "before_commit")
def _audit(session: TenantSession) -> None:
    """Add the audit event of a transaction that changed something; a savepoint is no end of it."""
    if session.act is None or session.in_nested_transaction():
        return
    session.flush()
    if session.wrote:
        audit.record(session, session.act, tenant=session.tenant)


@lru_cache(maxsize=2 * KNOWN_TENANTS)
def _criteria(tenant: str, *, write: bool) -> tuple[LoaderCriteriaOption, ...]:
    """Return what narrows a statement. Inside the criterion of a child that of its parent holds."""
    children = [with_loader_criteria(child, there, include_aliases=True) for child, there in PARENT_THERE.items()]
    return (*(_own(each, tenant, write=write) for each in tenant_classes()), *children)


def _own(table: type[Base], tenant: str, *, write: bool) -> LoaderCriteriaOption:
    """Return what narrows one class. Each is a function: an expression would not follow its class into an alias."""
    if table in SHARED and not write:
        return with_loader_criteria(table, lambda row: or_(row.tenant == tenant, row.shared), include_aliases=True)
    if table is BlobRow and not write:
        return with_loader_criteria(
            BlobRow,
            lambda blob: or_(
                blob.tenant == tenant,
                exists().where(SharedTicket.blob_id == blob.id, SharedTicket.shared),
                exists().where(SharedAdapter.blob_id == blob.id, SharedAdapter.shared),
            ),
            include_aliases=True,
        )
    return with_loader_criteria(table, lambda row: row.tenant == tenant, include_aliases=True)


def _refuse_opaque(statement: Executable) -> None:
    """Refuse SQL as text, and statements, or parts of one, that name a tenant's table but not through its class."""
    tables = _tables()
    for part in visitors.iterate(cast(Any, statement)):
        opaque = isinstance(part, TextClause) and part.text != "*"  # `exists` selects a star
        if isinstance(part, Select | UpdateBase) and part._propagate_attrs.get("compile_state_plugin") != "orm":  # noqa: SLF001
            opaque = not tables.isdisjoint(_named(part))
        if opaque:
            raise ForeignRow(f"this statement cannot be kept to one tenant; use the mapped classes: {statement}")


@cache
def _tables() -> frozenset[Any]:
    return frozenset(inspect(each).local_table for each in (*tenant_classes(), *parent_keys()))


def _named(part: Any) -> Iterator[Any]:
    """Yield the tables a part of a statement names itself, and not in a query inside it."""
    for inner in part.get_children():
        if not isinstance(inner, SelectBase):
            yield inner.table if isinstance(inner, ColumnClause) else inner
            yield from _named(inner)


def _check_insert(session: TenantSession, statement: Insert, parameters: Any) -> None:
    table = statement.entity_description["entity"]
    for row in _rows(parameters) or [statement.compile(dialect=session.get_bind().dialect).params]:
        if table in tenant_classes():
            _check_tenants(session, table, [value for name, value in row.items() if _ROW.fullmatch(name)])
        elif table in parent_keys():
            _check_parent(session, table, row.get(parent_keys()[table][0].key))


def _check_update(session: TenantSession, statement: Update, parameters: Any) -> None:
    if _rows(parameters):
        raise ForeignRow(f"an UPDATE of many rows by their keys cannot be kept to one tenant: {statement}")
    moved = statement.compile(dialect=session.get_bind().dialect).params.get("tenant", session.tenant)
    _check_tenants(session, statement.entity_description["entity"], [moved])


def _rows(parameters: Any) -> list[Mapping[str, Any]]:
    return [parameters] if isinstance(parameters, Mapping) else list(parameters or ())


def _check_tenants(session: TenantSession, table: type[Base], tenants: Iterable[str | None]) -> None:
    """Refuse rows of other tenants, and rows that name no tenant."""
    named = set(tenants)
    if named != {session.tenant}:
        shown = ", ".join(sorted(map(repr, named))) or "no tenant"
        raise ForeignRow(f"a row of {table.__name__} for {shown} does not belong into the view of {session.tenant!r}")


def _check_parent(session: TenantSession, table: type[Base], parent_id: str | None) -> None:
    parent = session.get(parent_keys()[table][1], parent_id) if parent_id else None
    _check_tenants(session, table, [None if parent is None else cast(Any, parent).tenant])
