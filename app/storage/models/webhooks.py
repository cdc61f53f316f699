"""Who is told when a job has ended, and what was sent to them or is yet to be."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.table import Base, Id, JsonList, Moment, TenantName, Word


class WebhookRow(Base):
    """An address of a tenant to which ends of jobs are posted. The secret is kept as it is: it signs messages."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_tenant_id", "tenant", "id"),)

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    url: Mapped[str] = mapped_column(String(2048))
    events: Mapped[JsonList]
    secret: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[Moment]


class WebhookDeliveryRow(Base):
    """One message to one webhook, written by the transaction that ended the job, and sent afterwards."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
        Index("ix_webhook_deliveries_due", "status", "next_at"),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "id"),
    )

    id: Mapped[Id]
    tenant: Mapped[TenantName]
    webhook_id: Mapped[str] = mapped_column(String(36), ForeignKey("webhooks.id", ondelete="CASCADE"))
    job_id: Mapped[str] = mapped_column(String(36))
    """Not a foreign key: what was sent is known after the job was deleted."""
    event: Mapped[Word]
    body: Mapped[str] = mapped_column(Text)
    """The bytes that are sent, the same with each attempt."""
    status: Mapped[Word]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[Moment]
    """Not before then is it sent (again)."""
    response_status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[Moment] = mapped_column(index=True)
    ended_at: Mapped[Moment | None]
