"""Keys in the database. A revoked key's row stays, for the audit trail to point at, and is listed no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.auth.key_secret import digest, new_secret
from app.errors import KeyNotFound, QuotaExceeded, Unauthorized
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
    session: Session,
    *,
    tenant: str,
    name: str,
    scopes: Sequence[str],
    most: int,
    expires_at: datetime | None = None,
    made_by: str | None = None,
) -> tuple[ApiKeyRow, str]:
    """Add a key of a tenant that exists; return it with its secret, which is stored nowhere.

    Raises:
        Unauthorized: the key that makes it, `made_by`, is revoked.
        QuotaExceeded: the tenant has `most` keys.
    """
    session.execute(select(TenantRow.name).where(TenantRow.name == tenant).with_for_update())  # keys of it take turns
    if made_by is not None:
        _check_maker(session, made_by)
    _check_number(session, tenant, most)
    secret = new_secret()
    key = ApiKeyRow(
        id=new_id(),
        tenant=tenant,
        name=name,
        sha256=digest(secret),
        scopes=sorted(scopes),
        made_by=made_by,
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


def revoke(session: Session, key_id: str, *, with_made: bool = False) -> list[str]:
    """Make a key invalid for good, and `with_made` all that it made, they made, and so on; return their ids.

    Raises `KeyNotFound`.
    """
    if not (revoked := _revoke(session, [key_id])):
        raise KeyNotFound(key_id)
    made = [key_id] if with_made else []
    while made := list(session.scalars(select(ApiKeyRow.id).where(ApiKeyRow.made_by.in_(made)))):
        revoked += _revoke(session, made)  # through those that were revoked before, whose own keys may be valid yet
    for each in revoked:
        audit.add_subject(session, "key", each)
    return revoked


def _revoke(session: Session, key_ids: Sequence[str]) -> list[str]:
    """Revoke the valid ones among these keys; return their ids."""
    valid = (ApiKeyRow.id.in_(key_ids), ApiKeyRow.revoked_at.is_(None))
    return list(
        session.scalars(update(ApiKeyRow).where(*valid).values(revoked_at=now(session)).returning(ApiKeyRow.id))
    )


def _check_maker(session: Session, key_id: str) -> None:
    """Lock the key that makes another, so that its revocation comes before or finds what it made."""
    valid = (ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
    if session.scalar(select(ApiKeyRow.id).where(*valid).with_for_update()) is None:
        raise Unauthorized("the key of this request was revoked just now")


def count_keys(session: Session, tenant: str) -> int:
    """Count the keys of a tenant that are valid."""
    unexpired = or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now(session))
    valid = (ApiKeyRow.tenant == tenant, ApiKeyRow.revoked_at.is_(None), unexpired)
    return session.scalar(select(func.count()).select_from(ApiKeyRow).where(*valid)) or 0


def _check_number(session: Session, tenant: str, most: int) -> None:
    if count_keys(session, tenant) >= most:
        raise QuotaExceeded(f"tenant {tenant!r} has {most} keys, which is as many as it may; revoke some first")


def find(session: Session, hashes: Collection[str]) -> dict[str, FoundKey]:
    """Return the valid keys with these hashes; those that are unknown, revoked or expired are not in it."""
    rows = session.scalars(select(ApiKeyRow).where(ApiKeyRow.sha256.in_(hashes), ApiKeyRow.revoked_at.is_(None))).all()
    moment = now(session) if any(key.expires_at is not None for key in rows) else None
    found = {}
    for key in rows:
        left = None if key.expires_at is None or moment is None else (key.expires_at - moment).total_seconds()
        if left is None or left > 0:
            found[key.sha256] = FoundKey(key.id, key.tenant, frozenset(key.scopes), key.sha256, key.expires_at, left)
    return found


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
