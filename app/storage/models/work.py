"""Jobs, what they report, who works on them, and requests that must start one only once."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.table import Base, Count, Id, Json, Moment, Sha256, TenantName, Word, reference


class JobRow(Base):
    """One durable unit of work, and its place in the queue."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
        CheckConstraint("kind IN ('ticket', 'adapter', 'prediction', 'language_delta')", name="kind"),
        CheckConstraint("(status = 'running') = (owner IS NOT NULL)", name="owner_while_running"),
        Index("ix_jobs_status_id", "status", "id"),
        Index("ix_jobs_queue", "status", "tenant", "kind", "backbone", "id"),
        Index("ix_jobs_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    kind: Mapped[Word]
    status: Mapped[Word]
    backbone: Mapped[str] = mapped_column(String(64), default="", server_default=literal_column("''"))
    """Fingerprint of the backbone it needs; empty where that was not noted, and any runner may try."""
    format: Mapped[int] = mapped_column(default=0, server_default="0")
    """How the job is written down, see `app.jobs.form`; 0 where that was not noted."""
    payload: Mapped[Json]
    resource_kind: Mapped[Word]
    resource_id: Mapped[str] = mapped_column(String(36), index=True)
    phase: Mapped[str | None] = mapped_column(String(64))
    step: Mapped[Count] = mapped_column(default=0)
    total: Mapped[Count] = mapped_column(default=0)
    eta_s: Mapped[float | None]
    metrics: Mapped[Json] = mapped_column(default=dict)
    progress_at: Mapped[Moment | None]
    event_bytes: Mapped[Count] = mapped_column(default=0, server_default="0")
    """Of what it has reported and is still kept."""
    attempt: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[Moment | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class JobEventRow(Base):
    """What a job reported, in order: `progress`, `log`, and one `done` at the end."""

    __tablename__ = "job_events"
    __table_args__ = (CheckConstraint("kind IN ('progress', 'log', 'done')", name="kind"),)

    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    data: Mapped[Json]
    created_at: Mapped[Moment]


class WorkerRow(Base):
    """A runner that was heard lately. It belongs to no tenant."""

    __tablename__ = "workers"

    id: Mapped[Id]
    host: Mapped[str] = mapped_column(String(255))
    device: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(36))
    kinds: Mapped[str | None] = mapped_column(String(255))
    """Kinds of jobs it takes, with a blank between two; of this and the next two, null is what an older release says:
    it takes whatever there is."""
    backbone: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of its backbone; empty while that is being prepared, and no job is taken."""
    format: Mapped[int | None]
    """Newest way of writing down a job that it can read."""
    code: Mapped[str | None] = mapped_column(String(64))
    """Its release and the hash of its program, as `GET /version` gives the API's."""
    last_seen: Mapped[Moment] = mapped_column(index=True)


class TenantTurnRow(Base):
    """When a tenant's turn was last: the larger, the later. Between tenants with as many running jobs it decides."""

    __tablename__ = "tenant_turns"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    turn: Mapped[Count] = mapped_column(default=0)


class IdempotencyKeyRow(Base):
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
