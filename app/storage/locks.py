"""Which rows a transaction locks, in which order, so that what it has found stays and no two wait for each other.

1. the tenant's row, with `lock_tenant`: by whoever makes, publishes, points at, or deletes what a tenant keeps. Such
   transactions of one tenant take turns, so what one has looked up (a ticket, a drift, the adapters of a file, the text
   of another dataset) is there until it is committed. All of them are short.
2. the job's row: claims, heartbeats, progress, cancelling, publishing (`app.jobs.fence`). Whoever holds it waits for no
   tenant.
3. what jobs make: drifts, tickets, language deltas, adapters, predictions. A ticket may be another tenant's, which the
   first lock does not hold: whoever is about to refer to one holds its row with `tickets.hold`.
4. version numbers, aliases, datasets.
5. the blob's row, with `blob_lifecycle.locked`: whoever refers to a blob, and whoever is about to erase it, locks it
   first and decides afterwards. Sweeps hold nothing else.
6. counters, by themselves before the commit (`counters`).

SQLite has one writer at a time, so there nothing else is needed. What slips through is noticed by the database as a
broken reference or a second row of what may be there once; `is_overtaken` tells that apart from faults of the program.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.storage.models import TenantRow

OVERTAKEN = {
    "23503",  # Postgres: foreign_key_violation
    "23505",  # Postgres: unique_violation
    "SQLITE_CONSTRAINT_FOREIGNKEY",
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
}


def lock_tenant(session: Session, tenant: str) -> None:
    """Wait until no other transaction changes what this tenant keeps, and keep others waiting until this one ends."""
    session.execute(select(TenantRow.name).where(TenantRow.name == tenant).with_for_update(key_share=True))


def is_overtaken(error: BaseException) -> bool:
    """Tell whether another transaction has just deleted, or made, what this one was about to refer to, or to make."""
    if not isinstance(error, IntegrityError):
        return False
    return not OVERTAKEN.isdisjoint(getattr(error.orig, name, None) for name in ("sqlstate", "sqlite_errorname"))
