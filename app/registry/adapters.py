"""Adapters: one language's soft prompt and sparse delta. Immutable and versioned once published."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from app import jobs
from app.errors import AdapterNotFound, InUse, NotReadyYet
from app.registry import datasets, predictions
from app.registry.adapter_notes import AdapterNotes
from app.registry.starters import STARTER, owned_and_shared, visible
from app.storage import audit, blob_lifecycle
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, AliasRow, JobRow, LanguageVersionRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import insert, new_id, now
from ltp.config import LabelSpace
from ltp.model.methods import Method
from ltp.model.verbalizer import Verbalizer, verbalizer_of


def create(
    session: Session,
    *,
    tenant: str,
    lang: str,
    method: str,
    ticket_id: str | None,
    backbone: str,
    training: dict[str, Any],
    dataset_id: str,
    examples: dict[str, Any],
    seeds: int = 1,
    name: str | None = None,
    alias: str | None = None,
    label_space: LabelSpace = "three_way",
    verbalizer: dict[str, str] | None = None,
    start: dict[str, Any] | None = None,
    language_delta: dict[str, Any] | None = None,
) -> tuple[AdapterRow, JobRow]:
    """Add a pending adapter for a normalised language and queue its training.

    `training` (an `AdapterConfig` as a dict) and `examples` (`{train, dev, test, sha256}`) are replaced when published.
    `verbalizer` are words of its own by label, None for the method's usual ones. `start` says which adapter training
    begins from, `{id, lang, version}`; None for the pretrained values. `language_delta` says likewise which language's
    own text is added to that.
    """
    adapter_id = new_id()
    job = jobs.submit(
        session, tenant=tenant, kind="adapter", resource_kind="adapter", resource_id=adapter_id, backbone=backbone
    )
    adapter = AdapterRow(
        id=adapter_id,
        tenant=tenant,
        lang=lang,
        name=name,
        requested_alias=alias,
        status="pending",
        method=method,
        ticket_id=ticket_id,
        backbone=backbone,
        seeds=seeds,
        training=training,
        examples=examples,
        notes_bytes=AdapterNotes(training, {}, examples).size,
        label_space=label_space,
        verbalizer=verbalizer,
        start=start,
        start_id=None if start is None else start["id"],
        language_delta=language_delta,
        language_delta_id=None if language_delta is None else language_delta["id"],
        dataset_id=dataset_id,
        job_id=job.id,
        created_at=now(session),
    )
    session.add(adapter)
    session.flush()
    audit.set_subject(session, "adapter", adapter_id)
    return adapter, job


def verbalizer_of_row(row: AdapterRow) -> Verbalizer:
    """Return which labels an adapter answers with, and the words that it predicts for them."""
    return verbalizer_of(row.method, row.label_space, row.verbalizer)  # type: ignore[arg-type]  # checked when stored


def own_words(method: Method, verbalizer: Verbalizer) -> dict[str, str] | None:
    """Return what the column holds of a verbalizer: nothing where the words are the method's usual ones."""
    usual = verbalizer == verbalizer_of(method, verbalizer.label_space)
    words = verbalizer.by_label
    return None if usual or words is None else {str(label): word for label, word in words.items()}


def get(session: Session, *, tenant: str, adapter_id: str) -> AdapterRow:
    """Return an adapter of the tenant, or one shared with all. Raises `AdapterNotFound`."""
    adapter = session.scalar(select(AdapterRow).where(AdapterRow.id == adapter_id, visible(tenant)))
    if adapter is None:
        raise AdapterNotFound(adapter_id)
    return adapter


def get_ready(session: Session, *, tenant: str, adapter_id: str) -> AdapterRow:
    """As `get`, and raise `NotReadyYet` unless it is published."""
    adapter = get(session, tenant=tenant, adapter_id=adapter_id)
    if adapter.status != "ready":
        raise NotReadyYet(f"adapter {adapter_id} is {adapter.status}; it must be ready")
    return adapter


def list_page(
    session: Session,
    *,
    tenant: str,
    lang: str | None = None,
    alias: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[AdapterRow]:
    """List the tenant's adapters and those shared with all, newest first.

    Only those of a normalised language, or under an alias, if given.
    """
    rows = select(AdapterRow)
    if lang is not None:
        rows = rows.where(AdapterRow.lang == lang)
    if alias is not None:
        rows = rows.where(exists().where(AliasRow.adapter_id == AdapterRow.id, AliasRow.alias == alias))
    parts = owned_and_shared(tenant)
    return read_page(
        session, rows, by=AdapterRow.id, size=AdapterRow.notes_bytes, parts=parts, limit=limit, cursor=cursor
    )


def next_version(session: Session, *, tenant: str, lang: str) -> int:
    """Take a language's next version number, from 1. Two transactions never get the same."""
    row = insert(session, LanguageVersionRow).values(tenant=tenant, lang=lang, last_version=1)
    incremented = row.on_conflict_do_update(
        index_elements=["tenant", "lang"], set_={"last_version": LanguageVersionRow.last_version + 1}
    )
    return session.execute(incremented.returning(LanguageVersionRow.last_version)).scalar_one()


def delete_adapter(session: Session, *, tenant: str, adapter_id: str) -> None:
    """Delete an adapter and the texts it was trained on; its version number is never used again.

    Raises `AdapterNotFound`, and `InUse` while its job, an alias, an unfinished prediction or a training that is to
    begin from it depends on it; a starter stays.
    """
    lock_tenant(session, tenant)
    if get(session, tenant=tenant, adapter_id=adapter_id).origin == STARTER:
        way_out = "the setting STARTER, with `off`, keeps it from answering"
        raise InUse(f"adapter {adapter_id} came with the program, for every tenant, and cannot be deleted; {way_out}")
    adapter = session.scalar(
        select(AdapterRow).where(AdapterRow.id == adapter_id, AdapterRow.tenant == tenant).with_for_update()
    )
    if adapter is None:
        raise AdapterNotFound(adapter_id)
    if adapter.status == "pending":
        raise InUse(f"job {adapter.job_id} is still making adapter {adapter_id}; cancel it first")
    alias = session.scalar(select(AliasRow.alias).where(AliasRow.adapter_id == adapter_id).limit(1))
    if alias is not None:
        raise InUse(f"alias {adapter.lang}@{alias} points at adapter {adapter_id}; move or delete the alias first")
    if session.scalar(select(predictions.waiting_for(adapter_id))):
        raise InUse(f"an unfinished prediction uses adapter {adapter_id}; wait for its job or cancel it first")
    beginning = select(AdapterRow.id).where(AdapterRow.start_id == adapter_id, AdapterRow.status == "pending").limit(1)
    if (begun := session.scalar(beginning)) is not None:
        what = f"adapter {begun}, which is being trained, begins from adapter {adapter_id}"
        raise InUse(f"{what}; wait for its job or cancel it first")
    session.execute(delete(AdapterRow).where(AdapterRow.id == adapter_id))
    jobs.erase_words(session, adapter.job_id)
    datasets.erase(session, adapter.dataset_id)
    if adapter.answers_blob_id is not None:
        blob_lifecycle.erase_text(session, adapter.answers_blob_id)
    audit.set_subject(session, "adapter", adapter_id)
