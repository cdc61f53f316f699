"""Keys in the database. A revoked key's row stays, for the audit trail to point at; nobody sees it any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from app.auth.key_secret import digest, new_secret
from app.errors import KeyNotFound
from app.storage import audit
from app.storage.models import ApiKey, Tenant
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
) -> tuple[ApiKey, str]:
    """Add a key of a tenant that exists; return it with its secret, which is stored nowhere."""
    secret = new_secret()
    key = ApiKey(
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
    audit.concerns(session, "key", key.id)
    return key, secret


def add_tenant(session: Session, name: str) -> None:
    """Create a tenant unless it exists."""
    row = insert(session, Tenant).values(name=name, created_at=now(session))
    session.execute(row.on_conflict_do_nothing(index_elements=["name"]))


def get(session: Session, *, tenant: str | None, key_id: str) -> ApiKey:
    """Return a key of the tenant, or of any with None. Raises `KeyNotFound`, for a revoked one too."""
    key = session.scalar(_visible(tenant).where(ApiKey.id == key_id))
    if key is None:
        raise KeyNotFound(key_id)
    return key


def list_page(
    session: Session, *, tenant: str | None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[ApiKey]:
    """List the tenant's keys, or with None those of all, newest first."""
    return read_page(session, _visible(tenant), by=ApiKey.id, limit=limit, cursor=cursor)


def revoke(session: Session, key_id: str) -> None:
    """Make a key invalid for good. Raises `KeyNotFound`."""
    revoked = session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now(session))
        .returning(ApiKey.id)
    )
    if revoked is None:
        raise KeyNotFound(key_id)
    audit.concerns(session, "key", key_id)


def find(session: Session, sha256: str) -> FoundKey | None:
    """Return the valid key with this hash; None for one that is unknown, revoked or expired."""
    key = session.scalar(select(ApiKey).where(ApiKey.sha256 == sha256, ApiKey.revoked_at.is_(None)))
    if key is None:
        return None
    left = None if key.expires_at is None else (key.expires_at - now(session)).total_seconds()
    if left is not None and left <= 0:
        return None
    return FoundKey(key.id, key.tenant, frozenset(key.scopes), key.sha256, key.expires_at, left)


def mark_used(session: Session, key_ids: Collection[str]) -> None:
    """Note that keys were used just now, unless somebody did within the last minute."""
    moment = now(session)
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < moment - timedelta(seconds=USE_WRITTEN_EVERY_S))
    session.execute(update(ApiKey).where(ApiKey.id.in_(sorted(key_ids)), stale).values(last_used_at=moment))


def _visible(tenant: str | None) -> Select[ApiKey]:
    keys = select(ApiKey).where(ApiKey.revoked_at.is_(None))
    if tenant is None:
        return keys.execution_options(every_tenant=True)  # ADMIN_KEY, which made the tenants, manages their keys
    return keys.where(ApiKey.tenant == tenant)
