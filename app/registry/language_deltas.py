"""Language deltas: what a language's own text changed at a ticket's positions. Versioned, immutable once published."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import jobs
from app.errors import (
    FieldError,
    InUse,
    InvalidLanguage,
    InvalidReference,
    InvalidRequest,
    LanguageDeltaNotFound,
    NotReadyYet,
)
from app.registry import datasets, job_memory, starters, tickets
from app.registry.aliases import as_id
from app.registry.language_tags import normalise
from app.registry.submissions import StagedCorpus
from app.storage import audit
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, JobRow, LanguageDeltaRow, LanguageDeltaVersionRow, TicketRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import insert, new_id, now
from ltp.backbone.manifest import BackboneInfo
from ltp.config import LanguageConfig


def submit(
    session: Session,
    *,
    tenant: str,
    backbone: BackboneInfo,
    lang: str,
    ticket: str | None,
    mlm: LanguageConfig,
    corpus: StagedCorpus,
    starter_of: str | None = None,
    memory_mb: int = 0,
) -> tuple[LanguageDeltaRow, JobRow]:
    """Queue the MLM run on a language's own text, on the ticket named, else on the starter's, else on the newest ready.

    The starter is that of the backbone `starter_of`, by its fingerprint.

    Raises:
        TicketNotFound, NotReadyYet, NoTicket: there is no such ticket, it is not published, or there is none at all.
        BackboneMismatch: the ticket was made on another backbone.
        InvalidRequest: it would need more than `memory_mb`, unless that is 0.
    """
    starter = starters.newest(session, backbone=starter_of)
    usual = ticket or (None if starter is None else starter.ticket_id)
    on = tickets.held(session, usual, tenant=tenant, backbone=backbone.fingerprint)
    job_memory.check_drift(
        backbone,
        strategy=on.strategy,  # type: ignore[arg-type]  # checked when stored
        mlm=mlm.resolved(lines=corpus.count, learning_rate=backbone.learning_rate),
        lines=corpus.count,
        characters=corpus.characters,
        limit_mb=memory_mb,
    )
    dataset = datasets.create(
        session,
        tenant=tenant,
        kind="corpus",
        blob_id=str(corpus.blob_id),
        count=corpus.count,
        filename=corpus.filename,
    )
    return create(session, tenant=tenant, lang=lang, ticket=on, config=asdict(mlm), dataset_id=dataset.id)


def create(
    session: Session, *, tenant: str, lang: str, ticket: TicketRow, config: dict[str, Any], dataset_id: str
) -> tuple[LanguageDeltaRow, JobRow]:
    """Add a pending language delta for a normalised language, on a ticket that is held, and queue its job."""
    row_id, kind = new_id(), "language_delta"
    job = jobs.submit(
        session, tenant=tenant, kind="language_delta", resource_kind=kind, resource_id=row_id, backbone=ticket.backbone
    )
    row = LanguageDeltaRow(
        id=row_id,
        tenant=tenant,
        lang=lang,
        status="pending",
        ticket_id=ticket.id,
        backbone=ticket.backbone,
        config=config,
        report={},
        dataset_id=dataset_id,
        job_id=job.id,
        created_at=now(session),
    )
    session.add(row)
    session.flush()
    audit.set_subject(session, kind, row_id)
    return row, job


def get(session: Session, *, tenant: str, language_delta_id: str) -> LanguageDeltaRow:
    """Return a language delta of the tenant. Raises `LanguageDeltaNotFound`."""
    row = session.scalar(
        select(LanguageDeltaRow).where(LanguageDeltaRow.id == language_delta_id, LanguageDeltaRow.tenant == tenant)
    )
    if row is None:
        raise LanguageDeltaNotFound(language_delta_id)
    return row


def get_ready(session: Session, *, tenant: str, language_delta_id: str) -> LanguageDeltaRow:
    """As `get`, and raise `NotReadyYet` unless it is published."""
    row = get(session, tenant=tenant, language_delta_id=language_delta_id)
    if row.status != "ready":
        raise NotReadyYet(f"language delta {language_delta_id} is {row.status}; it must be ready")
    return row


def named(session: Session, reference: str, *, tenant: str) -> LanguageDeltaRow:
    """Return the published language delta that an id, `lang@version`, or `lang` for its newest, names.

    Raises:
        InvalidReference, LanguageDeltaNotFound, NotReadyYet: there is none, or it is not published.
    """
    if (language_delta_id := as_id(reference)) is not None:
        return get_ready(session, tenant=tenant, language_delta_id=language_delta_id)
    tag, _, version = reference.partition("@")
    try:
        lang = normalise(tag)
    except InvalidLanguage as error:
        raise InvalidReference(f"{reference[:100]!r} names no language delta: {error}") from error
    found = select(LanguageDeltaRow).where(
        LanguageDeltaRow.tenant == tenant, LanguageDeltaRow.lang == lang, LanguageDeltaRow.status == "ready"
    )
    if version:
        found = found.where(LanguageDeltaRow.version == int(version))
    row = session.scalar(found.order_by(LanguageDeltaRow.version.desc()).limit(1))
    if row is None:
        raise LanguageDeltaNotFound(reference)
    return row


def check_fits(row: LanguageDeltaRow | None, *, ticket_id: str | None) -> None:
    """Refuse one that stands on another ticket than training does. Raises `InvalidRequest`."""
    if row is None or row.ticket_id == ticket_id:
        return
    message = f"it stands on ticket {row.ticket_id}, and training is on ticket {ticket_id}: name one that is on this"
    if ticket_id is None:
        message = "it belongs to a ticket, and this method trains without one; leave it out, or choose 'ltp'"
    raise InvalidRequest(f"language_delta: {message}", fields=[FieldError("language_delta", message)])


def facts_of(row: LanguageDeltaRow | None) -> dict[str, Any] | None:
    """What an adapter that is trained on top of it keeps of it."""
    return None if row is None else {"id": row.id, "lang": row.lang, "version": row.version}


def list_page(
    session: Session, *, tenant: str, lang: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[LanguageDeltaRow]:
    """List the tenant's language deltas, newest first; only those of a normalised language if one is given."""
    rows = select(LanguageDeltaRow).where(LanguageDeltaRow.tenant == tenant)
    if lang is not None:
        rows = rows.where(LanguageDeltaRow.lang == lang)
    return read_page(session, rows, by=LanguageDeltaRow.id, limit=limit, cursor=cursor)


def next_version(session: Session, *, tenant: str, lang: str) -> int:
    """Take a language's next version number, from 1. Two transactions never get the same."""
    row = insert(session, LanguageDeltaVersionRow).values(tenant=tenant, lang=lang, last_version=1)
    incremented = row.on_conflict_do_update(
        index_elements=["tenant", "lang"], set_={"last_version": LanguageDeltaVersionRow.last_version + 1}
    )
    return session.execute(incremented.returning(LanguageDeltaVersionRow.last_version)).scalar_one()


def delete_language_delta(session: Session, *, tenant: str, language_delta_id: str) -> None:
    """Delete a language delta and its text; adapters on top of it hold all they need.

    Raises `LanguageDeltaNotFound`, and `InUse` while its job or an unfinished adapter depends on it.
    """
    lock_tenant(session, tenant)
    found = select(LanguageDeltaRow).where(LanguageDeltaRow.id == language_delta_id, LanguageDeltaRow.tenant == tenant)
    row = session.scalar(found.with_for_update())
    if row is None:
        raise LanguageDeltaNotFound(language_delta_id)
    if row.status == "pending":
        raise InUse(f"job {row.job_id} is still making language delta {language_delta_id}; cancel it first")
    training = select(AdapterRow.id).where(
        AdapterRow.tenant == tenant, AdapterRow.language_delta_id == language_delta_id, AdapterRow.status == "pending"
    )
    if (adapter := session.scalar(training.limit(1))) is not None:
        raise InUse(f"adapter {adapter} is being trained on top of it; wait for its job or cancel it first")
    session.execute(delete(LanguageDeltaRow).where(LanguageDeltaRow.id == language_delta_id))
    jobs.erase_words(session, row.job_id)
    datasets.erase(session, row.dataset_id)
    audit.set_subject(session, "language_delta", language_delta_id)
