"""The languages a tenant has adapters for, with their versions and aliases, and which of them are near each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.errors import NoAdapterForLanguage
from app.registry.alias_names import PRODUCTION
from app.registry.language_tags import language_of, macrolanguage_of, name_of, relatives_of
from app.registry.starters import owned_and_shared, visible
from app.storage.models import AdapterRow, AliasRow
from app.storage.pagination import DEFAULT_LIMIT, Page

MOST = 1000
MOST_TAGS = 10_000
"""Looked through for what is near; ISO 639-3 has some 8,000 languages."""
MOST_OFFERED = 5
"""Near languages that one refusal names."""


@dataclass(frozen=True)
class LanguageSummary:
    """One language: its ready versions, newest first, and its aliases with the version each points at.

    `related` are the other languages of its macrolanguage that have a ready adapter. No more than `MOST` of each.
    `starters` are the versions that came with the program.
    """

    lang: str
    versions: Sequence[int]
    aliases: dict[str, int]
    related: Sequence[str]
    starters: Sequence[int] = ()


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[LanguageSummary]:
    """List languages with at least one ready adapter, by their tags; the cursor is the last tag."""
    langs = _tags(session, tenant=tenant, limit=limit + 1, after=cursor)
    items = _summaries(session, tenant=tenant, langs=langs[:limit])
    return Page(items, items[-1].lang if len(langs) > limit else None)


def _tags(session: Session, *, tenant: str, limit: int, after: str | None = None) -> list[str]:
    """List tags that have a ready adapter, in order. That one is ready is read off its version, which an index has."""
    found: set[str] = set()
    for part in owned_and_shared(tenant):
        tags = select(AdapterRow.lang).where(part, AdapterRow.version.is_not(None)).distinct()
        if after is not None:
            tags = tags.where(AdapterRow.lang > after)
        found.update(session.scalars(tags.order_by(AdapterRow.lang).limit(limit)))
    return sorted(found)[:limit]


def _summaries(session: Session, *, tenant: str, langs: Sequence[str]) -> list[LanguageSummary]:
    versions: dict[str, set[int]] = {lang: set() for lang in langs}
    came: dict[str, list[int]] = {lang: [] for lang in langs}
    aliases: dict[str, dict[str, int]] = {lang: {} for lang in langs}
    for part in owned_and_shared(tenant):
        for lang, version, shared in session.execute(_newest_of_each(part, langs)):
            versions[lang].add(version)
            if shared:
                came[lang].append(version)
    for lang, alias, meant in session.execute(_named(tenant, langs)):
        if meant is not None and len(aliases[lang]) < MOST:
            aliases[lang][alias] = meant
    others = tags_by_language(session, tenant=tenant)
    return [
        LanguageSummary(
            lang,
            sorted(versions[lang], reverse=True)[:MOST],
            aliases[lang],
            near(lang, others),
            sorted(came[lang], reverse=True),
        )
        for lang in langs
    ]


def _newest_of_each(part: ColumnElement[bool], langs: Sequence[str]) -> Select[str, int, bool]:
    """The newest `MOST` versions of each language."""
    place = func.row_number().over(partition_by=AdapterRow.lang, order_by=AdapterRow.version.desc())
    ready = (
        select(AdapterRow.lang, AdapterRow.version, AdapterRow.shared, place.label("place"))
        .where(part, AdapterRow.lang.in_(langs), AdapterRow.version.is_not(None))
        .subquery()
    )
    return select(ready.c.lang, ready.c.version, ready.c.shared).where(ready.c.place <= MOST)


def _named(tenant: str, langs: Sequence[str]) -> Select[str, str, int | None]:
    """The aliases of some languages, with their versions."""
    return (
        select(AliasRow.lang, AliasRow.alias, AdapterRow.version)
        .join(AdapterRow, AdapterRow.id == AliasRow.adapter_id)
        .where(AliasRow.tenant == tenant, AliasRow.lang.in_(langs))
        .order_by(AliasRow.lang, AliasRow.alias)
    )


@dataclass(frozen=True)
class Answering:
    """The adapter that a bare language means, and its development score, if it has one."""

    id: str
    version: int
    name: str | None
    label_space: str
    since: datetime
    """When `production` was pointed at it, or, without that alias, when it was published."""
    dev: Mapping[str, Any] | None


def answering(session: Session, *, tenant: str, langs: Sequence[str]) -> dict[str, Answering]:
    """Return by language what answers for it: its `production` alias, else its newest ready version, own ones first.

    As `aliases.resolve_language` does for one; of the notes only the score is read.
    """
    own_first = ((AdapterRow.tenant == tenant).desc(), AdapterRow.version.desc())
    alias = and_(AliasRow.adapter_id == AdapterRow.id, AliasRow.tenant == tenant, AliasRow.alias == PRODUCTION)
    place = func.row_number().over(partition_by=AdapterRow.lang, order_by=(AliasRow.updated_at.is_(None), *own_first))
    ready = (
        select(AdapterRow.id, AliasRow.updated_at, place.label("place"))
        .outerjoin(AliasRow, alias)
        .where(visible(tenant), AdapterRow.status == "ready", AdapterRow.lang.in_(langs))
        .subquery()
    )
    columns = (AdapterRow.id, AdapterRow.lang, AdapterRow.version, AdapterRow.name, AdapterRow.label_space)
    rows = session.execute(
        select(*columns, AdapterRow.published_at, AdapterRow.metrics["dev"].label("dev"), ready.c.updated_at)
        .join(ready, ready.c.id == AdapterRow.id)
        .where(ready.c.place == 1)
    )
    return {
        row.lang: Answering(
            row.id, row.version, row.name, row.label_space, row.updated_at or row.published_at, row.dev or None
        )
        for row in rows
    }


def tags_by_language(session: Session, *, tenant: str) -> dict[str, list[str]]:
    """List the tags that have a ready adapter, each with its language; `MOST_TAGS` at most."""
    found: dict[str, list[str]] = {}
    for tag in _tags(session, tenant=tenant, limit=MOST_TAGS):
        found.setdefault(language_of(tag), []).append(tag)
    return found


def near(lang: str, tags: dict[str, list[str]]) -> list[str]:
    """List which of `tags` are of the same language or macrolanguage as `lang`, without itself.

    Those of the language itself come first, then the macrolanguage's, then its members'.
    """
    languages = dict.fromkeys([language_of(lang), *relatives_of(lang)])
    return [tag for language in languages for tag in tags.get(language, ()) if tag != lang][:MOST]


def refusal(session: Session, *, tenant: str, lang: str) -> NoAdapterForLanguage:
    """Refuse a language that has no adapter, and offer by name those that are near."""
    tags = near(lang, tags_by_language(session, tenant=tenant))[:MOST_OFFERED]
    if not tags:
        return NoAdapterForLanguage(lang)
    named = " and ".join(f"{tag} ({name_of(tag)})" for tag in tags)
    same = {language_of(tag) for tag in tags} == {language_of(lang)}
    relation = "the same language" if same else f"the same macrolanguage, {macrolanguage_of(lang)}"
    are = "are adapters" if len(tags) > 1 else "is an adapter"
    offer = f"there {are} for {named}, of {relation}: ask for {' or '.join(tags)}, or give it as `fallback`"
    return NoAdapterForLanguage(lang, offer)
