"""A tenant's webhooks: addresses to which the ends of its jobs are posted."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.errors import QuotaExceeded, WebhookNotFound
from app.storage import audit
from app.storage.locks import lock_tenant
from app.storage.models import WebhookDeliveryRow, WebhookRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import new_id, now

Event = Literal["job.succeeded", "job.failed", "job.cancelled"]
EVENTS: tuple[Event, ...] = ("job.succeeded", "job.failed", "job.cancelled")
SECRET_PREFIX = "whsec_"  # noqa: S105  what Standard Webhooks puts before the secret
SECRET_BYTES = 32


def create(session: Session, *, tenant: str, url: str, events: Sequence[str], most: int) -> WebhookRow:
    """Add a webhook with a new secret. Raises `QuotaExceeded` where the tenant has `most`."""
    lock_tenant(session, tenant)
    count = session.scalar(select(func.count()).select_from(WebhookRow).where(WebhookRow.tenant == tenant)) or 0
    if count >= most:
        raise QuotaExceeded(f"tenant {tenant!r} has {count} webhooks, and may have {most}; delete some first")
    webhook = WebhookRow(
        id=new_id(),
        tenant=tenant,
        url=url,
        events=sorted(events),
        secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii"),
        created_at=now(session),
    )
    session.add(webhook)
    session.flush()
    audit.set_subject(session, "webhook", webhook.id)
    return webhook


def get(session: Session, *, tenant: str, webhook_id: str) -> WebhookRow:
    """Return a webhook of the tenant. Raises `WebhookNotFound`."""
    row = session.scalar(select(WebhookRow).where(WebhookRow.id == webhook_id, WebhookRow.tenant == tenant))
    if row is None:
        raise WebhookNotFound(webhook_id)
    return row


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[WebhookRow]:
    """List a tenant's webhooks, newest first."""
    rows = select(WebhookRow).where(WebhookRow.tenant == tenant)
    return read_page(session, rows, by=WebhookRow.id, limit=limit, cursor=cursor)


def remove(session: Session, *, tenant: str, webhook_id: str) -> None:
    """Delete a webhook with its deliveries, those that are not sent yet, too. Raises `WebhookNotFound`."""
    lock_tenant(session, tenant)
    own = (WebhookRow.id == webhook_id, WebhookRow.tenant == tenant)
    if session.execute(delete(WebhookRow).where(*own).returning(WebhookRow.id)).one_or_none() is None:
        raise WebhookNotFound(webhook_id)
    audit.set_subject(session, "webhook", webhook_id)


def deliveries(
    session: Session, *, tenant: str, webhook_id: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[WebhookDeliveryRow]:
    """List what was, and is to be, sent to a webhook, newest first."""
    rows = select(WebhookDeliveryRow).where(
        WebhookDeliveryRow.webhook_id == webhook_id, WebhookDeliveryRow.tenant == tenant
    )
    return read_page(session, rows, by=WebhookDeliveryRow.id, limit=limit, cursor=cursor)
