"""Keys in the database. A revoked key's row stays, for the audit trail to point at, and is listed no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from app.auth.key_secret import digest, new_secret
from app.errors import KeyNotFound
from app.storage import audit
from app.storage.models import ApiKeyRow, TenantRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import insert, new_id, now

USE_WRITTEN_EVERY_S = 60


@dataclass(frozen=True)
class FoundKey:
    """A valid key. `expires_in` counts seconds by the database's clock; None for never."""

    id: str
    tenant: str
    scopes: frozenset[str]
    sha256: str
    expires_at: datetime | None
    expires_in: float | None


def create(
    session: Session, *, tenant: str, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKeyRow, str]:
    """Add a key of a tenant that exists; return it with its secret, which is stored nowhere."""
    secret = new_secret()
    key = ApiKeyRow(
        id=new_id(),
        tenant=tenant,
        name=name,
        sha256=digest(secret),
        scopes=sorted(scopes),
        created_at=now(session),
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(key)
    session.flush()
    audit.set_subject(session, "key", key.id)
    return key, secret


def add_tenant(session: Session, name: str) -> None:
    """Create a tenant unless it exists."""
    row = insert(session, TenantRow).values(name=name, created_at=now(session))
    session.execute(row.on_conflict_do_nothing(index_elements=["name"]))


def get(session: Session, *, tenant: str | None, key_id: str) -> ApiKeyRow:
    """Return a key of the tenant, or of any with None. Raises `KeyNotFound`, for a revoked one too."""
    key = session.scalar(_visible(tenant).where(ApiKeyRow.id == key_id))
    if key is None:
        raise KeyNotFound(key_id)
    return key


def list_page(
    session: Session, *, tenant: str | None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[ApiKeyRow]:
    """List the tenant's keys, or with None those of all, newest first."""
    return read_page(session, _visible(tenant), by=ApiKeyRow.id, limit=limit, cursor=cursor)


def revoke(session: Session, key_id: str) -> None:
    """Make a key invalid for good. Raises `KeyNotFound`."""
    revoked = session.scalar(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
        .values(revoked_at=now(session))
        .returning(ApiKeyRow.id)
    )
    if revoked is None:
        raise KeyNotFound(key_id)
    audit.set_subject(session, "key", key_id)


def find(session: Session, sha256: str) -> FoundKey | None:
    """Return the valid key with this hash; None for one that is unknown, revoked or expired."""
    key = session.scalar(select(ApiKeyRow).where(ApiKeyRow.sha256 == sha256, ApiKeyRow.revoked_at.is_(None)))
    if key is None:
        return None
    left = None if key.expires_at is None else (key.expires_at - now(session)).total_seconds()
    if left is not None and left <= 0:
        return None
    return FoundKey(key.id, key.tenant, frozenset(key.scopes), key.sha256, key.expires_at, left)


def mark_used(session: Session, key_ids: Collection[str]) -> None:
    """Note that keys were used just now, unless that was done within the last minute."""
    moment = now(session)
    stale = or_(
        ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < moment - timedelta(seconds=USE_WRITTEN_EVERY_S)
    )
    session.execute(update(ApiKeyRow).where(ApiKeyRow.id.in_(sorted(key_ids)), stale).values(last_used_at=moment))


def _visible(tenant: str | None) -> Select[ApiKeyRow]:
    keys = select(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None))
    if tenant is None:
        return keys.execution_options(every_tenant=True)  # ADMIN_KEY, which made the tenants, manages their keys
    return keys.where(ApiKeyRow.tenant == tenant)
