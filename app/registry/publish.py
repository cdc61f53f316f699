"""Publication: what a job made becomes visible, all of it or nothing, in one short transaction.

Each function first proves that the caller still owns the job (`LeaseLost`, `CancelRequested` otherwise), then flips
staged blobs and pending rows to `ready` together with the job. Blobs were staged and read back before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.errors import LeaseLost
from app.jobs import Claim
from app.registry import language_deltas, predictions
from app.registry.adapter_notes import KEPT_BYTES, AdapterNotes
from app.registry.adapters import next_version
from app.registry.aliases import point
from app.registry.tickets import StagedTicket
from app.storage import audit, blob_lifecycle
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, DriftRow, JobRow, LanguageDeltaRow, PredictionRow, TicketRow
from app.storage.table import now


@dataclass(frozen=True)
class DriftResult:
    """The result of an MLM run. `blob_id` is staged."""

    blob_id: str
    report: dict[str, Any]
    corpus_sha256: str
    moved: int
    selectable: int


@dataclass(frozen=True)
class AdapterResult:
    """The result of a training run. The blobs are staged; the notes are what was really used and measured."""

    blob_id: str
    size: int
    notes: AdapterNotes
    answers_blob_id: str | None = None


@dataclass(frozen=True)
class LanguageDeltaResult:
    """The result of an MLM run on a language's own text. `blob_id` is staged."""

    blob_id: str
    size: int
    report: dict[str, Any]


def publish_ticket(session: Session, claim: Claim, staged: StagedTicket, *, drift: DriftResult | None) -> None:
    """Publish a ticket, and the drift made with it unless that was ready before."""
    job = _lock(session, claim)
    ticket = session.get_one(TicketRow, job.resource_id)
    if drift is not None:
        row = session.get_one(DriftRow, ticket.drift_id)
        _ready(session, row, blob_id=drift.blob_id)
        row.report, row.corpus_sha256 = drift.report, drift.corpus_sha256
        row.moved, row.selectable = drift.moved, drift.selectable
    _ready(session, ticket, blob_id=staged.blob_id)
    for column, value in staged.columns.items():
        setattr(ticket, column, value)
    audit.set_subject(session, "ticket", ticket.id)
    jobs.succeed(session, job)


def publish_adapter(session: Session, claim: Claim, result: AdapterResult) -> AdapterRow:
    """Publish an adapter under the language's next version, and point the alias that was asked for at it."""
    job = _lock(session, claim)
    adapter = session.get_one(AdapterRow, job.resource_id)
    version = next_version(session, tenant=adapter.tenant, lang=adapter.lang)
    _ready(session, adapter, blob_id=result.blob_id)
    adapter.version = version
    adapter.bytes = result.size
    if result.answers_blob_id is not None:
        adapter.answers_blob_id = blob_lifecycle.use(session, result.answers_blob_id)
    notes = result.notes.within(KEPT_BYTES)
    adapter.training, adapter.metrics, adapter.examples = notes.training, notes.metrics, notes.examples
    adapter.notes_bytes = notes.size
    if adapter.start is not None:
        adapter.start = notes.training.get("start", adapter.start)
    session.flush()
    if adapter.requested_alias is not None:
        point(session, adapter, alias=adapter.requested_alias)
    audit.set_subject(session, "adapter", adapter.id)
    jobs.succeed(session, job)
    return adapter


def publish_language_delta(session: Session, claim: Claim, result: LanguageDeltaResult) -> LanguageDeltaRow:
    """Publish a language delta under its language's next version."""
    job = _lock(session, claim)
    row = session.get_one(LanguageDeltaRow, job.resource_id)
    version = language_deltas.next_version(session, tenant=row.tenant, lang=row.lang)
    _ready(session, row, blob_id=result.blob_id)
    row.version, row.bytes, row.report = version, result.size, result.report
    row.corpus_sha256, row.helps = result.report["corpus_sha256"], result.report["helps"]
    audit.set_subject(session, "language_delta", row.id)
    jobs.succeed(session, job)
    return row


def publish_prediction(
    session: Session,
    claim: Claim,
    *,
    blob_id: str,
    summary: dict[str, Any],
    judged: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Publish a prediction's result file; `judged` is how many rows each reference of the file stands for."""
    job = _lock(session, claim)
    prediction = session.get_one(PredictionRow, job.resource_id)
    if prediction.status != "pending":
        raise LeaseLost(f"prediction {prediction.id} is {prediction.status} already")
    prediction.status, prediction.published_at = "ready", now(session)
    prediction.result_blob_id, prediction.summary = blob_lifecycle.use(session, blob_id), summary
    for named in predictions.adapters_of(session, prediction.id):
        named.rows = judged.get(named.reference, 0)
    audit.set_subject(session, "prediction", prediction.id)
    jobs.succeed(session, job)


def _lock(session: Session, claim: Claim) -> JobRow:
    """Lock the tenant and the job, in the order of `app.storage.locks`. Raises `LeaseLost`, `CancelRequested`."""
    tenant = session.scalar(select(JobRow.tenant).where(JobRow.id == claim.job_id))
    if tenant is not None:
        lock_tenant(session, tenant)
    return jobs.lock_for_publish(session, claim)


def _ready(session: Session, row: DriftRow | TicketRow | LanguageDeltaRow | AdapterRow, *, blob_id: str) -> None:
    """Flip a pending row, with its blob, to ready."""
    if row.status != "pending":
        raise LeaseLost(f"{type(row).__name__.lower()} {row.id} is {row.status} already")
    row.blob_id, row.published_at = blob_lifecycle.use(session, blob_id), now(session)
    row.status = "ready"
