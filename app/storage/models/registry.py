"""What is made and kept: drifts, tickets, language deltas, adapters with versions and aliases, predictions."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.table import Base, Count, Id, Json, JsonAny, JsonList, Moment, Sha256, TenantName, Word, reference

RESOURCE_STATUS = "status IN ('pending', 'ready', 'failed', 'cancelled')"


class DriftRow(Base):
    """The result of one MLM run: how far each parameter moved. `corpus` names a built-in one; else `dataset_id`."""

    __tablename__ = "drifts"
    __table_args__ = (CheckConstraint(RESOURCE_STATUS, name="status"), Index("ix_drifts_tenant_id", "tenant", "id"))

    id: Mapped[Id]
    tenant: Mapped[TenantName]
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


class TicketRow(Base):
    """A mask over the backbone's parameters, selected from a drift or imported with an adapter."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        CheckConstraint("origin IN ('drift', 'import')", name="origin"),
        Index("ix_tickets_tenant_id", "tenant", "id"),
        Index("ix_tickets_mask_sha256", "tenant", "mask_sha256"),
        # imports find the ticket of a mask, or make it: once, however many come at the same time
        Index(
            "uq_tickets_imported_mask",
            "tenant",
            "backbone",
            "mask_sha256",
            unique=True,
            sqlite_where=sql("origin = 'import'"),
            postgresql_where=sql("origin = 'import'"),
        ),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
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


class LanguageDeltaRow(Base):
    """What a language's own text changed at a ticket's positions. Immutable once `ready`, which gives it a version."""

    __tablename__ = "language_deltas"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        CheckConstraint("(status = 'ready') = (version IS NOT NULL)", name="version_when_ready"),
        UniqueConstraint("tenant", "lang", "version"),
        Index("ix_language_deltas_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    lang: Mapped[str] = mapped_column(String(35))
    version: Mapped[int | None]
    status: Mapped[Word]
    ticket_id: Mapped[str | None] = reference("tickets.id")
    backbone: Mapped[Sha256]
    config: Mapped[Json]
    """As asked for; what was left open is in the report."""
    report: Mapped[Json] = mapped_column(default=dict)
    helps: Mapped[bool | None]
    """Whether the loss of held-out lines is lower with it."""
    dataset_id: Mapped[str | None] = reference("datasets.id", ondelete="SET NULL")
    corpus_sha256: Mapped[Sha256 | None]
    blob_id: Mapped[str | None] = reference("blobs.id")
    bytes: Mapped[Count | None]
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]


class AdapterRow(Base):
    """What few-shot training publishes for one language. Immutable once `ready`; `version` is null until then."""

    __tablename__ = "adapters"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        CheckConstraint("(status = 'ready') = (version IS NOT NULL)", name="version_when_ready"),
        UniqueConstraint("tenant", "lang", "version"),
        Index("ix_adapters_tenant_id", "tenant", "id"),
        Index("ix_adapters_shared", "shared", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    lang: Mapped[str] = mapped_column(String(35))
    version: Mapped[int | None]
    name: Mapped[str | None] = mapped_column(String(128))
    requested_alias: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[Word]
    method: Mapped[Word]
    origin: Mapped[Word] = mapped_column(default="training")
    """`training`, `import`, `composed` of others, or `starter`: it came with the program, for one backbone."""
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Every tenant may use it."""
    start: Mapped[Json | None]
    """What training began from, as it was then: `{id, lang, version, carried, nested}`; null for pretrained values."""
    start_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """Its id. Not a foreign key: once this one is trained, the other may go, and this goes on telling which it was."""
    language_delta: Mapped[Json | None]
    """The language's own text that training was on top of, as it was then: `{id, lang, version}`; null for none."""
    language_delta_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """Its id; like `start_id` not a foreign key."""
    ticket_id: Mapped[str | None] = reference("tickets.id")
    backbone: Mapped[Sha256]
    seeds: Mapped[int]
    training: Mapped[Json]
    metrics: Mapped[Json] = mapped_column(default=dict)
    examples: Mapped[Json] = mapped_column(default=dict)
    notes_bytes: Mapped[Count] = mapped_column(default=0, server_default="0")
    """Of the three columns before."""
    label_space: Mapped[Word] = mapped_column(default="three_way", server_default="three_way")
    verbalizer: Mapped[Json | None]
    """Words of its own by label; null for the method's usual ones."""
    dataset_id: Mapped[str | None] = reference("datasets.id", ondelete="SET NULL")
    blob_id: Mapped[str | None] = reference("blobs.id")
    bytes: Mapped[Count | None]
    answers_blob_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """What it answered to the pairs that it is scored on; null where that was not kept. Not a foreign key: a worker of
    an earlier release sweeps what it does not know to be in use, and must not fail at that."""
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    published_at: Mapped[Moment | None]


class LanguageVersionRow(Base):
    """The last version number given out for a language; it only grows, so a number is never used twice."""

    __tablename__ = "language_versions"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True)
    last_version: Mapped[int]


class LanguageDeltaVersionRow(Base):
    """As `LanguageVersionRow`, for the language deltas of a language."""

    __tablename__ = "language_delta_versions"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True)
    last_version: Mapped[int]


class AliasRow(Base):
    """A movable name for one adapter of a language, `production` say."""

    __tablename__ = "aliases"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True)
    alias: Mapped[str] = mapped_column(String(64), primary_key=True)
    adapter_id: Mapped[str] = reference("adapters.id")
    updated_at: Mapped[Moment]


class PredictionRow(Base):
    """A file of pairs with labels to be added, and the result."""

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint(RESOURCE_STATUS, name="status"),
        Index("ix_predictions_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
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


class PredictionAdapterRow(Base):
    """What one reference in a file of pairs means, fixed when the file was accepted: the request's own, or of rows.

    The adapter cannot be deleted before the file is judged; afterwards this goes on telling which one it was.
    """

    __tablename__ = "prediction_adapters"

    prediction_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True
    )
    reference: Mapped[str] = mapped_column(String(128), primary_key=True)
    tenant: Mapped[TenantName]
    adapter_id: Mapped[str] = mapped_column(String(36), index=True)
    lang: Mapped[str] = mapped_column(String(35))
    version: Mapped[int]
    fallback: Mapped[bool]
    rows: Mapped[Count | None]
