"""Rows of the registry for tests, made by the functions that the API and the worker call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.jobs import Claim, claim, held_leases, release, requeue_lost
from app.registry import adapters, aliases, datasets, drifts, language_deltas, predictions, publish, tickets
from app.registry.adapter_notes import AdapterNotes
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, DriftRow, JobRow, LanguageDeltaRow, PredictionRow, TicketRow
from ltp.config import TicketConfig
from ltp.text.examples import Example

TENANT = "default"
LAYER = {"layer": 1, "active": 1, "share": 1.0, "density": 0.1}
BACKBONE = "b" * 64
PAIRS = [Example("The dog runs.", "A dog runs.", "entailment"), Example("The cat.", "A dog.", "contradiction")]


def make_ticket(
    db: Database, *, tenant: str = TENANT, drift_id: str | None = None
) -> tuple[DriftRow, TicketRow, JobRow]:
    """A pending ticket with its queued job, on a new drift unless one is given."""
    with db.write() as session:
        if drift_id is None:
            drift = drifts.begin(
                session,
                tenant=tenant,
                backbone=BACKBONE,
                backbone_name="tiny",
                language="en",
                strategy="decoupled",
                config={},
                corpus="demo",
                dataset_id=None,
            )
        else:
            drift = drifts.get_ready(session, tenant=tenant, drift_id=drift_id)
        ticket, job = tickets.create(session, tenant=tenant, drift=drift, config=TicketConfig(active_ratio=0.1))
    return drift, ticket, job


def make_adapter(
    db: Database, *, tenant: str = TENANT, lang: str = "sw", ticket_id: str | None = None, alias: str | None = None
) -> tuple[AdapterRow, JobRow]:
    """A pending adapter with its queued job."""
    store = BlobStore(db)
    blob = store.stage(tenant, datasets.write_parts({"train": PAIRS}))
    with store.until_used(blob.id), db.write() as session:
        dataset = datasets.create(session, tenant=tenant, kind="examples", blob_id=blob.id, count=len(PAIRS))
        return adapters.create(
            session,
            tenant=tenant,
            lang=lang,
            method="ltp" if ticket_id else "pt",
            ticket_id=ticket_id,
            backbone=BACKBONE,
            training={"epochs": 1},
            dataset_id=dataset.id,
            examples={"train": 2, "dev": 0, "test": 0, "sha256": dataset.sha256},
            alias=alias,
        )


def make_language_delta(
    db: Database, *, tenant: str = TENANT, lang: str = "quy", ticket: TicketRow | None = None
) -> tuple[LanguageDeltaRow, JobRow]:
    """A pending language delta with its queued job, on a new ticket unless one is given."""
    ticket = ticket or ready_ticket(db, tenant=tenant)[1]
    store = BlobStore(db)
    blob = store.stage(tenant, [b"Allqu punkupi.\n", b"Wasiqa hatunmi.\n"])
    with store.until_used(blob.id), db.write() as session:
        dataset = datasets.create(session, tenant=tenant, kind="corpus", blob_id=blob.id, count=2)
        return language_deltas.create(
            session, tenant=tenant, lang=lang, ticket=ticket, config={"epochs": 1}, dataset_id=dataset.id
        )


def make_prediction(db: Database, adapter: AdapterRow, *, text: bytes = b"{}\n") -> tuple[PredictionRow, JobRow]:
    """A pending prediction with its queued job."""
    store = BlobStore(db)
    blob = store.stage(adapter.tenant, [text])
    with store.until_used(blob.id), db.write() as session:
        dataset = datasets.create(session, tenant=adapter.tenant, kind="pairs", blob_id=blob.id, count=1)
        return predictions.create(
            session,
            tenant=adapter.tenant,
            request={"lang": adapter.lang},
            dataset_id=dataset.id,
            adapter=aliases.ResolvedAdapter(adapter.id, adapter.lang, adapter.version or 0, fallback=False),
            pairs=1,
        )


def take(db: Database, *, owner: str = "worker-1", lease_s: float = 60, job_id: str | None = None) -> Claim:
    """Claim a job that must be there, and this one if it is named: those before it are handed back."""
    others = []
    while True:
        with db.write() as session:
            claimed = claim(session, owner=owner, lease_s=lease_s)
        assert claimed is not None
        if job_id in (None, claimed.job_id):
            break
        others.append(claimed)
    for other in others:
        with db.write() as session:
            release(session, other)
    return claimed


def reap(db: Database, *, max_attempts: int = 3, except_job: str | None = None) -> list[str]:
    """Take back every job whose lease has run out, as a sweep does that has seen none of them renewed."""
    with db.write() as session:
        expired = [lease for lease in held_leases(session, except_job=except_job) if lease.expired]
        return requeue_lost(session, expired, max_attempts=max_attempts)


def finish_ticket(db: Database, claimed: Claim, *, content: bytes = b"mask", with_drift: bool = True) -> None:
    """Publish a ticket as the worker does."""
    store, tenant = BlobStore(db), _tenant(db, claimed)
    mask = store.stage(tenant, [content], job_id=claimed.job_id)
    values = store.stage(tenant, [b"drift" + content], job_id=claimed.job_id) if with_drift else None
    drift = values and publish.DriftResult(values.id, {"steps": 3}, "c" * 64, moved=9, selectable=10)
    result = tickets.StagedTicket(mask.id, "a" * 64, len(content), figures_of(active=1, selectable=10, moved=9))
    with db.write() as session:
        publish.publish_ticket(session, claimed, result, drift=drift or None)


def finish_adapter(
    db: Database, claimed: Claim, *, content: bytes = b"delta", answers_blob_id: str | None = None
) -> AdapterRow:
    """Publish an adapter as the worker does."""
    blob = BlobStore(db).stage(_tenant(db, claimed), [content], job_id=claimed.job_id)
    with db.write() as session:
        notes = AdapterNotes(training={"epochs": 1}, metrics={"dev": {}}, examples={"train": 1})
        result = publish.AdapterResult(blob.id, len(content), notes, answers_blob_id)
        return publish.publish_adapter(session, claimed, result)


def finish_language_delta(db: Database, claimed: Claim, *, content: bytes = b"signed") -> LanguageDeltaRow:
    """Publish a language delta as the worker does."""
    blob = BlobStore(db).stage(_tenant(db, claimed), [content], job_id=claimed.job_id)
    held_out = {"before": 5.5, "after": 4.5, "perplexity": [244.7, 90.0]}
    report = {"corpus_sha256": "c" * 64, "helps": True, "held_out": held_out, "verdict": "it helps"}
    with db.write() as session:
        result = publish.LanguageDeltaResult(blob.id, len(content), report)
        return publish.publish_language_delta(session, claimed, result)


def ready_language_delta(
    db: Database, *, tenant: str = TENANT, lang: str = "quy", ticket: TicketRow | None = None
) -> LanguageDeltaRow:
    """A published language delta."""
    _, job = make_language_delta(db, tenant=tenant, lang=lang, ticket=ticket)
    return finish_language_delta(db, take(db, job_id=job.id))


def ready_adapter(
    db: Database,
    *,
    tenant: str = TENANT,
    lang: str = "sw",
    alias: str | None = None,
    content: bytes = b"delta",
    ticket_id: str | None = None,
) -> AdapterRow:
    """A published adapter."""
    _, job = make_adapter(db, tenant=tenant, lang=lang, alias=alias, ticket_id=ticket_id)
    return finish_adapter(db, take(db, job_id=job.id), content=content)


def ready_ticket(db: Database, *, tenant: str = TENANT, content: bytes = b"mask") -> tuple[DriftRow, TicketRow]:
    """A published ticket with its drift."""
    drift, ticket, job = make_ticket(db, tenant=tenant)
    finish_ticket(db, take(db, job_id=job.id), content=content)
    return drift, ticket


def figures_of(**counts: int) -> dict[str, Any]:
    """Figures of a ticket, as `ltp.ticket.mask.Ticket` has them."""
    return {"active": 0, "selectable": 0, "moved": 0, "zero_drift": 0, "distribution": [LAYER], **counts}


def _tenant(db: Database, claimed: Claim) -> str:
    with db.read() as session:
        return session.get_one(JobRow, claimed.job_id).tenant


def sample_file(directory: Path, size: int) -> Path:
    """A file of `size` bytes that no two chunks of which are the same."""
    path = directory / "sample.bin"
    path.write_bytes(b"".join(index.to_bytes(8, "big") for index in range(size // 8 + 1))[:size])
    return path
