"""The starter: the adapter for many languages that came with the program for the served backbone, shared by all.

It belongs to one tenant's registry like any other (`OWNER`), costs its quota nothing, cannot be deleted, and is found
by its origin. A newer one that a newer program brings is the next version; the newest of a backbone is the starter.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, load_only

from app.errors import AdapterNotFound
from app.storage.models import AdapterRow

OWNER = "default"
LANG = "mul"
"""ISO 639's code for several languages."""
STARTER: Final = "starter"
"""Its origin, its alias, and the reference that means it to every tenant."""
REFERENCES = (STARTER, f"{LANG}@{STARTER}")
ADAPTERS = select(AdapterRow)
SHA256 = "starter_sha256"
"""Where `training` keeps which file a starter is from."""


def visible(tenant: str) -> ColumnElement[bool]:
    """Whether an adapter is the tenant's, or shared with all."""
    return or_(AdapterRow.tenant == tenant, AdapterRow.shared)


def owned_and_shared(tenant: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """As `visible`, in two halves that have no adapter in common: an index answers each, and no index both at once."""
    return AdapterRow.tenant == tenant, and_(AdapterRow.shared, AdapterRow.tenant != tenant)


def newest(session: Session, *, backbone: str | None, rows: Select[AdapterRow] = ADAPTERS) -> AdapterRow | None:
    """Return the starter of a backbone, by its fingerprint, of `rows`; None if it has none, or none is named."""
    if backbone is None:
        return None
    there = (AdapterRow.shared.is_(True), AdapterRow.origin == STARTER, AdapterRow.status == "ready")
    of_backbone = rows.where(*there, AdapterRow.backbone == backbone)
    return session.scalar(of_backbone.order_by(AdapterRow.id.desc()).limit(1))


def there_is_one(session: Session, *, backbone: str | None) -> bool:
    """Tell whether `newest` finds one."""
    return newest(session, backbone=backbone, rows=ADAPTERS.options(load_only(AdapterRow.id))) is not None


def get(session: Session, *, backbone: str | None) -> AdapterRow:
    """As `newest`. Raises `AdapterNotFound`."""
    found = newest(session, backbone=backbone)
    if found is None:
        raise AdapterNotFound(STARTER)
    return found


def is_installed(session: Session, *, backbone: str, sha256: str) -> bool:
    """Tell whether the starter from this file is here, as the newest or before a newer one."""
    shared = (AdapterRow.shared.is_(True), AdapterRow.origin == STARTER, AdapterRow.backbone == backbone)
    return any(row.get(SHA256) == sha256 for row in session.scalars(select(AdapterRow.training).where(*shared)))
