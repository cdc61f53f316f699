"""What is stored: blobs, and the texts that were sent."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.table import Base, Count, Id, Moment, Sha256, TenantName, Word, reference


class BlobRow(Base):
    """A content. `staging` until something published refers to it; `corrupt` once a chunk failed its check."""

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
        Index("ix_blobs_tenant_status", "tenant", "status"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[Count] = mapped_column(default=0)
    status: Mapped[Word]
    job_id: Mapped[str | None] = reference("jobs.id", ondelete="SET NULL")
    created_at: Mapped[Moment]
    digests: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The SHA-256 of every chunk, one after the other, of what is an object of a store; null: it lies in rows."""


class BlobChunkRow(Base):
    """At most one MiB of a blob, with its own SHA-256, checked on every read."""

    __tablename__ = "blob_chunks"

    blob_id: Mapped[str] = mapped_column(String(36), ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    idx: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[Sha256]
    size: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class DatasetRow(Base):
    """Texts that were sent: a corpus, labelled examples, or pairs to predict. Erased with what was made from them."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("kind IN ('corpus', 'examples', 'pairs')", name="kind"),
        Index("ix_datasets_tenant_id", "tenant", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    kind: Mapped[Word]
    blob_id: Mapped[str] = reference("blobs.id")
    sha256: Mapped[Sha256]
    count: Mapped[Count]
    filename: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[Moment]
