"""The languages a tenant has adapters for, with their versions and aliases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.storage.models import AdapterRow, AliasRow
from app.storage.pagination import DEFAULT_LIMIT, Page

MOST = 1000


@dataclass(frozen=True)
class LanguageSummary:
    """One language: its ready versions, newest first, and its aliases with the version each points at.

    No more than `MOST` of each.
    """

    lang: str
    versions: Sequence[int]
    aliases: dict[str, int]


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[LanguageSummary]:
    """List languages with at least one ready adapter, by their tags; the cursor is the last tag."""
    tags = select(AdapterRow.lang).where(AdapterRow.tenant == tenant, AdapterRow.status == "ready").distinct()
    if cursor is not None:
        tags = tags.where(AdapterRow.lang > cursor)
    langs = session.scalars(tags.order_by(AdapterRow.lang).limit(limit + 1)).all()
    items = [_row(session, tenant=tenant, lang=lang) for lang in langs[:limit]]
    return Page(items, items[-1].lang if len(langs) > limit else None)


def _row(session: Session, *, tenant: str, lang: str) -> LanguageSummary:
    ready = select(AdapterRow.version).where(
        AdapterRow.tenant == tenant, AdapterRow.lang == lang, AdapterRow.status == "ready"
    )
    newest = session.scalars(ready.order_by(AdapterRow.version.desc()).limit(MOST))
    versions = [version for version in newest if version is not None]
    named = (
        select(AliasRow.alias, AdapterRow.version)
        .join(AdapterRow, AdapterRow.id == AliasRow.adapter_id)
        .where(AliasRow.tenant == tenant, AliasRow.lang == lang)
        .order_by(AliasRow.alias)
        .limit(MOST)
    )
    aliases = {alias: version for alias, version in session.execute(named) if version is not None}
    return LanguageSummary(lang, versions, aliases)
