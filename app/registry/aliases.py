"""Aliases (`production`, say), and references: what a client names an adapter with, resolved to the adapter."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import Session, defer

from app.errors import (
    AdapterNotFound,
    AliasNotFound,
    InvalidLanguage,
    InvalidReference,
    NoAdapterForLanguage,
)
from app.registry import languages, starters
from app.registry.alias_names import ALIAS_NAME, PRODUCTION, check_name
from app.registry.language_tags import normalise
from app.storage import audit
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, AliasRow
from app.storage.table import insert, now
from ltp.config import LabelSpace

VERSION = re.compile(r"[0-9]{1,36}", re.ASCII)
LARGEST_VERSION = 2**31 - 1
"""What the version column can hold."""
Rows = Select[AdapterRow]
WHOLE = select(AdapterRow)
NAMED = WHOLE.options(defer(AdapterRow.training), defer(AdapterRow.metrics), defer(AdapterRow.examples))
"""Without its notes, which are by far the most of a row: a prediction only wants to know which adapter is meant."""


def set_alias(session: Session, *, tenant: str, lang: str, alias: str, version: int) -> AdapterRow:
    """Point `alias` of a normalised language at a ready version, atomically. Raises `AdapterNotFound`."""
    lock_tenant(session, tenant)
    adapter = _by_version(session, WHOLE, tenant=tenant, lang=lang, version=version)
    if adapter is None:
        raise AdapterNotFound(f"{lang}@{version}")
    _point(session, adapter, alias=check_name(alias))
    audit.set_subject(session, "alias", f"{lang}@{alias}")
    return adapter


def point(session: Session, adapter: AdapterRow, *, alias: str) -> None:
    """Point `alias` at a ready adapter of the caller's transaction, which is about something else."""
    _point(session, adapter, alias=alias)
    audit.add_subject(session, "alias", f"{adapter.lang}@{alias}", action="set_alias")


def _point(session: Session, adapter: AdapterRow, *, alias: str) -> None:
    moved = {"adapter_id": adapter.id, "updated_at": now(session)}
    row = insert(session, AliasRow).values(tenant=adapter.tenant, lang=adapter.lang, alias=alias, **moved)
    session.execute(row.on_conflict_do_update(index_elements=["tenant", "lang", "alias"], set_=moved))


def delete_alias(session: Session, *, tenant: str, lang: str, alias: str) -> None:
    """Remove an alias; the adapter stays. Raises `AliasNotFound`."""
    lock_tenant(session, tenant)
    adapter_id = session.scalar(
        delete(AliasRow)
        .where(AliasRow.tenant == tenant, AliasRow.lang == lang, AliasRow.alias == alias)
        .returning(AliasRow.adapter_id)
    )
    if adapter_id is None:
        raise AliasNotFound(f"{lang}@{alias}")
    audit.set_subject(session, "alias", f"{lang}@{alias}")


def aliases_of(session: Session, adapter_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the aliases of each adapter, sorted; one query for a whole page."""
    names: dict[str, list[str]] = {adapter_id: [] for adapter_id in adapter_ids}
    for row in session.scalars(select(AliasRow).where(AliasRow.adapter_id.in_(adapter_ids)).order_by(AliasRow.alias)):
        names[row.adapter_id].append(row.alias)
    return names


def resolve_adapter(
    session: Session, *, tenant: str, reference: str, starter_of: str | None = None, rows: Rows = WHOLE
) -> AdapterRow:
    """Return the ready adapter that `lang`, `lang@version`, `lang@alias`, `starter` or an id names.

    `lang` means its `production` alias, else its newest ready version; `starter` is that of the backbone `starter_of`,
    by its fingerprint. Raises `InvalidReference`, `NoAdapterForLanguage` for a bare language without a ready adapter,
    `AdapterNotFound` for the rest.
    """
    adapter_id = as_id(reference)
    adapter: AdapterRow | None
    if reference in starters.REFERENCES:
        adapter = starters.newest(session, backbone=starter_of, rows=rows)
    elif adapter_id is not None:
        adapter = session.scalar(rows.where(AdapterRow.id == adapter_id, *_ready(tenant)))
    else:
        lang, name = _parse(reference)
        if name is None:
            adapter = resolve_language(session, tenant=tenant, lang=lang, rows=rows)
        elif name.isdigit():
            adapter = _by_version(session, rows, tenant=tenant, lang=lang, version=int(name))
        else:
            adapter = _by_alias(session, rows, tenant=tenant, lang=lang, alias=name)
    if adapter is None:
        raise AdapterNotFound(reference)
    return adapter


def resolve_language(session: Session, *, tenant: str, lang: str, rows: Rows = WHOLE) -> AdapterRow:
    """Return the adapter that serves a normalised language. Raises `NoAdapterForLanguage`."""
    adapter = _by_alias(session, rows, tenant=tenant, lang=lang, alias=PRODUCTION)
    adapter = adapter or _newest(session, rows, tenant=tenant, lang=lang)
    if adapter is None:
        raise languages.refusal(session, tenant=tenant, lang=lang)
    return adapter


def as_id(reference: str) -> str | None:
    """Return the id that a reference is; None where it is another."""
    try:
        return str(uuid.UUID(reference)) if len(reference) == 36 else None
    except ValueError:
        return None


def _parse(reference: str) -> tuple[str, str | None]:
    """Split a reference into its normalised language and what stands after the `@`."""
    tag, at, name = reference.partition("@")
    valid = VERSION.fullmatch(name) or ALIAS_NAME.fullmatch(name)
    if at and not valid:
        raise InvalidReference(f"{reference[:100]!r} names no adapter; give lang, lang@version, lang@alias or an id")
    try:
        return normalise(tag), name if at else None
    except InvalidLanguage as error:
        raise InvalidReference(f"{reference[:100]!r} names no adapter: {error}") from error


def _newest(session: Session, rows: Rows, *, tenant: str, lang: str, version: int | None = None) -> AdapterRow | None:
    """The newest ready version of a language, or the one of a number; the tenant's own before one shared with all."""
    wanted = AdapterRow.version.is_not(None) if version is None else AdapterRow.version == version
    for part in starters.owned_and_shared(tenant):
        ready = rows.where(part, AdapterRow.lang == lang, AdapterRow.status == "ready", wanted)
        if (adapter := session.scalar(ready.order_by(AdapterRow.version.desc()).limit(1))) is not None:
            return adapter
    return None


def _by_version(session: Session, rows: Rows, *, tenant: str, lang: str, version: int) -> AdapterRow | None:
    if not 1 <= version <= LARGEST_VERSION:
        return None
    return _newest(session, rows, tenant=tenant, lang=lang, version=version)


def _by_alias(session: Session, rows: Rows, *, tenant: str, lang: str, alias: str) -> AdapterRow | None:
    named = select(AliasRow.adapter_id).where(AliasRow.tenant == tenant, AliasRow.lang == lang, AliasRow.alias == alias)
    return session.scalar(rows.where(AdapterRow.id == named.scalar_subquery(), *_ready(tenant)))


def _ready(tenant: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (starters.visible(tenant), AdapterRow.status == "ready")


class ResolvedAdapter(NamedTuple):
    """The ready adapter that a reference means, and whether it stands in for a language without one."""

    id: str
    lang: str
    version: int
    fallback: bool
    label_space: LabelSpace = "three_way"
    shared_by: str | None = None
    """The tenant that it belongs to, where all may use it."""


def resolved(adapter: AdapterRow, *, fallback: bool) -> ResolvedAdapter:
    """Name a ready adapter."""
    space = cast(LabelSpace, adapter.label_space)  # checked when stored
    shared_by = adapter.tenant if adapter.shared else None
    return ResolvedAdapter(adapter.id, adapter.lang, adapter.version or 0, fallback, space, shared_by)


def resolve(
    session: Session, *, tenant: str, reference: str | None, fallback: str | None, starter_of: str | None = None
) -> ResolvedAdapter:
    """Return the adapter that a reference names; where its language has none the fallback, else the starter.

    The starter is that of the backbone `starter_of`, by its fingerprint; None for none.

    Raises:
        NoAdapterForLanguage: the language has none, and there is neither fallback nor starter.
        AdapterNotFound: a version, alias or id that is not there; a fallback does not hide that.
    """
    if reference is None:
        raise ValueError("the schema lets nothing through that names no adapter")
    named = partial(resolve_adapter, session, tenant=tenant, starter_of=starter_of, rows=NAMED)
    try:
        adapter, stands_in = named(reference=reference), False
    except NoAdapterForLanguage:
        starter = None if fallback is not None else starters.newest(session, backbone=starter_of, rows=NAMED)
        if fallback is None and starter is None:
            raise
        adapter, stands_in = starter or named(reference=str(fallback)), True
    return resolved(adapter, fallback=stands_in)
