"""The audit trail: who changed what, when. An event is written by the transaction of the change, or not at all.

A write transaction of a view with an `AuditContext` (`Database.of(tenant, act=...)`) that changed something adds one
event, and one for each `add_subject`. Who acts, and how, comes with the view; the service that does the work says what
it is about: `set_subject`. Events carry names and ids, never a text or a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.storage.models import AuditEventRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import new_id, now

ABOUT, ALSO_ABOUT = "about", "also_about"
"""Where a session keeps what its transaction is about."""
RETENTION = "retention"
"""Who deletes what is older than the settings keep it."""


@dataclass(frozen=True)
class AuditContext:
    """What is done through a view, and the actor: `key:<id>`, `admin`, `local`, `job:<id>` or `retention`."""

    actor: str
    action: str
    request_id: str | None = None


def set_subject(session: Session, kind: str, resource_id: str) -> None:
    """Say what this transaction is about. Costs nothing where no trail is kept, in a sweep say."""
    session.info[ABOUT] = (kind, resource_id)


def add_subject(session: Session, kind: str, resource_id: str, *, action: str | None = None) -> None:
    """Say what this transaction is about, besides what was said before: each gets an event of its own.

    `action` is what is done to it, where that is not the act itself: an import that moves an alias, say.
    """
    session.info.setdefault(ALSO_ABOUT, []).append((kind, resource_id, action))


def record(session: Session, act: AuditContext, *, tenant: str) -> None:
    """Add the event of this transaction, or one for each of its subjects."""
    subjects = session.info.pop(ALSO_ABOUT, [])
    if ABOUT in session.info or not subjects:
        subjects = [(*session.info.pop(ABOUT, (None, None)), None), *subjects]
    for kind, resource_id, action in subjects:
        note(session, replace(act, action=action or act.action), tenant=tenant, kind=kind, resource_id=resource_id)


def note(
    session: Session, act: AuditContext, *, tenant: str, kind: str | None = None, resource_id: str | None = None
) -> None:
    """Add one event, for a change that is not made through a view."""
    event = AuditEventRow(
        id=new_id(),
        tenant=tenant,
        actor=act.actor,
        action=act.action,
        resource_kind=kind,
        resource_id=resource_id,
        request_id=act.request_id,
        created_at=now(session),
    )
    session.add(event)


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[AuditEventRow]:
    """List a tenant's events, newest first."""
    rows = select(AuditEventRow).where(AuditEventRow.tenant == tenant)
    return read_page(session, rows, by=AuditEventRow.id, limit=limit, cursor=cursor)
