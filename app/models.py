"""The tables. Ids are UUIDv7 as text; every row that belongs to somebody carries its `tenant`.

Lineage: adapter -> ticket -> drift -> dataset (corpus), and adapter -> dataset (examples). Resources are `pending`
until the job that makes them publishes; blobs are `staging` until then. `jobs` is the queue itself.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import Count, Id, Json, JsonAny, JsonList, Moment, Sha256, Tenant, Word, reference
from app.db import Table

RESOURCE_STATUS = "status IN ('pending', 'ready', 'failed', 'cancelled')"


class Job(Table):
    """One durable unit of work, and its place in the queue."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
        CheckConstraint("kind IN ('ticket', 'adapter', 'prediction')", name="kind"),
        CheckConstraint("(status = 'running') = (owner IS NOT NULL)", name="owner_while_running"),
        Index("ix_jobs_status_id", "status", "id"),
        Index("ix_jobs_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    kind: Mapped[Word]
    status: Mapped[Word]
    payload: Mapped[Json]
    resource_kind: Mapped[Word]
    resource_id: Mapped[str] = mapped_column(String(36), index=True)
    phase: Mapped[str | None] = mapped_column(String(64))
    step: Mapped[Count] = mapped_column(default=0)
    total: Mapped[Count] = mapped_column(default=0)
    eta_s: Mapped[float | None]
    metrics: Mapped[Json] = mapped_column(default=dict)
    progress_at: Mapped[Moment | None]
    attempt: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[Moment | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class JobEvent(Table):
    """What a job reported, in order: `progress`, `log`, and one `done` at the end."""

    __tablename__ = "job_events"
    __table_args__ = (CheckConstraint("kind IN ('progress', 'log', 'done')", name="kind"),)

    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    data: Mapped[Json]
    created_at: Mapped[Moment]


class Worker(Table):
    """A runner that was heard lately. It belongs to no tenant."""

    __tablename__ = "workers"

    id: Mapped[Id]
    host: Mapped[str] = mapped_column(String(255))
    device: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(36))
    last_seen: Mapped[Moment] = mapped_column(index=True)


class IdempotencyKey(Table):
    """A stored 202: the same key with the same body is answered with it again."""

    __tablename__ = "idempotency_keys"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    method: Mapped[str] = mapped_column(String(8), primary_key=True)
    path: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_sha256: Mapped[Sha256]
    status: Mapped[int]
    response: Mapped[Json]
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="CASCADE")
    created_at: Mapped[Moment] = mapped_column(index=True)


class Blob(Table):
    """Content in chunks. `staging` until something published refers to it; `corrupt` once a chunk failed its check."""

    __tablename__ = "blobs"
    __table_args__ = (
        CheckConstraint("status IN ('staging', 'ready', 'corrupt', 'deleting')", name="status"),
        # one ready blob a content and tenant; never across tenants, which would tell one what another has
        Index(
            "uq_blobs_tenant_sha256_ready",
            "tenant",
            "sha256",
            unique=True,
            sqlite_where=sql("status = 'ready'"),
            postgresql_where=sql("status = 'ready'"),
        ),
        Index("ix_blobs_status_created_at", "status", "created_at"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[Count] = mapped_column(default=0)
    status: Mapped[Word]
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]


class BlobChunk(Table):
    """At most one MiB of a blob, with its own SHA-256, checked on every read."""

    __tablename__ = "blob_chunks"

    blob_id: Mapped[str] = mapped_column(String(36), ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    idx: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[Sha256]
    size: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Dataset(Table):
    """Texts somebody gave: a corpus, labelled examples, or pairs to predict. Erased with what was made from them."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("kind IN ('corpus', 'examples', 'pairs')", name="kind"),
        Index("ix_datasets_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    kind: Mapped[Word]
    blob_id: Mapped[str] = reference("blobs.id")
    sha256: Mapped[Sha256]
    count: Mapped[Count]
    filename: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[Moment]


class Drift(Table):
    """The result of one MLM run: how far each parameter moved. `corpus` names a built-in one; else `dataset_id`."""

    __tablename__ = "drifts"
    __table_args__ = (CheckConstraint(RESOURCE_STATUS, name="status"), Index("ix_drifts_tenant_id", "tenant", "id"))

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    status: Mapped[Word]
    backbone: Mapped[Sha256]
    backbone_name: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(35))
    strategy: Mapped[Word]
    config: Mapped[Json]
    corpus: Mapped[str | None] = mapped_column(String(64))
    dataset_id: Mapped[str | None] = reference("datasets.id", ondelete="SET NULL")
    corpus_sha256: Mapped[Sha256 | None]
    report: Mapped[Json] = mapped_column(default=dict)
    moved: Mapped[Count | None]
    selectable: Mapped[Count | None]
    blob_id: Mapped[str | None] = reference("blobs.id")
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]


class Ticket(Table):
    """A mask over the backbone's parameters, selected from a drift or imported with an adapter."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        CheckConstraint("origin IN ('drift', 'import')", name="origin"),
        Index("ix_tickets_tenant_id", "tenant", "id"),
        Index("ix_tickets_mask_sha256", "tenant", "mask_sha256"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    name: Mapped[str | None] = mapped_column(String(128))
    status: Mapped[Word]
    origin: Mapped[Word]
    shared: Mapped[bool] = mapped_column(default=False)
    drift_id: Mapped[str | None] = reference("drifts.id", ondelete="SET NULL")
    backbone: Mapped[Sha256]
    language: Mapped[str | None] = mapped_column(String(35))
    active_ratio: Mapped[float]
    active: Mapped[Count | None]
    selectable: Mapped[Count | None]
    moved: Mapped[Count | None]
    zero_drift: Mapped[Count | None]
    rule: Mapped[Word]
    layers: Mapped[JsonAny]
    strategy: Mapped[Word]
    distribution: Mapped[JsonList] = mapped_column(default=list)
    mask_sha256: Mapped[Sha256 | None]
    mask_bytes: Mapped[Count | None]
    blob_id: Mapped[str | None] = reference("blobs.id")
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]


class Adapter(Table):
    """What few-shot training publishes for one language. Immutable once `ready`; `version` is null until then."""

    __tablename__ = "adapters"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        CheckConstraint("(status = 'ready') = (version IS NOT NULL)", name="version_when_ready"),
        UniqueConstraint("tenant", "lang", "version"),
        Index("ix_adapters_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    lang: Mapped[str] = mapped_column(String(35))
    version: Mapped[int | None]
    name: Mapped[str | None] = mapped_column(String(128))
    requested_alias: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[Word]
    method: Mapped[Word]
    origin: Mapped[Word] = mapped_column(default="training")
    ticket_id: Mapped[str | None] = reference("tickets.id")
    backbone: Mapped[Sha256]
    seeds: Mapped[int]
    training: Mapped[Json]
    metrics: Mapped[Json] = mapped_column(default=dict)
    examples: Mapped[Json] = mapped_column(default=dict)
    dataset_id: Mapped[str | None] = reference("datasets.id", ondelete="SET NULL")
    blob_id: Mapped[str | None] = reference("blobs.id")
    bytes: Mapped[Count | None]
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]


class LanguageVersion(Table):
    """The last version number given out for a language; it only grows, so a number is never used twice."""

    __tablename__ = "language_versions"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True)
    last_version: Mapped[int]


class Alias(Table):
    """A movable name for one adapter of a language, `production` say."""

    __tablename__ = "aliases"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True)
    alias: Mapped[str] = mapped_column(String(64), primary_key=True)
    adapter_id: Mapped[str] = reference("adapters.id")
    updated_at: Mapped[Moment]


class Prediction(Table):
    """A file of pairs with labels to be added, and the result."""

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        Index("ix_predictions_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[Tenant]
    status: Mapped[Word]
    request: Mapped[Json]
    dataset_id: Mapped[str | None] = reference("datasets.id", ondelete="SET NULL")
    adapter_id: Mapped[str | None] = reference("adapters.id", ondelete="SET NULL")
    fallback: Mapped[bool] = mapped_column(default=False)
    pairs: Mapped[Count]
    summary: Mapped[Json] = mapped_column(default=dict)
    result_blob_id: Mapped[str | None] = reference("blobs.id")
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]
