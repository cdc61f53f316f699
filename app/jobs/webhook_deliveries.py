"""Messages to webhooks: written by the transaction that ends a job, sent by whoever takes one when it is due.

A taker notes the attempt, and when the next one is due, before it sends: if it dies, another goes on then. So a message
is sent at least once; never again after it was noted as delivered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.storage.models import JobRow, WebhookDeliveryRow, WebhookRow
from app.storage.table import new_id, now

WAITS_S = (60.0, 300.0, 900.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0)
"""After each attempt but the last; eight attempts in a little less than a day."""
KEPT_DAYS = 7
"""After so many days a message is forgotten, sent or not."""


@dataclass(frozen=True)
class Message:
    """A delivery that was taken, to be sent now."""

    id: str
    url: str
    secret: str = field(repr=False)
    body: str
    attempt: int


def announce(session: Session, job: JobRow) -> None:
    """Write down who is to be told that the job has ended; the caller's transaction ends it.

    Webhooks are held meanwhile: one that is being deleted is gone, or waits.
    """
    event = f"job.{job.status}"
    listening = select(WebhookRow).where(WebhookRow.tenant == job.tenant).order_by(WebhookRow.id)
    wanted = [
        each for each in session.scalars(listening.with_for_update(read=True, key_share=True)) if event in each.events
    ]
    for webhook in wanted:
        moment = now(session)
        session.add(
            WebhookDeliveryRow(
                id=new_id(),
                tenant=job.tenant,
                webhook_id=webhook.id,
                job_id=job.id,
                event=event,
                body=json.dumps(_told(event, job), allow_nan=False),
                status="pending",
                attempts=0,
                next_at=moment,
                created_at=moment,
            )
        )


def take(session: Session, *, most: int, waits_s: Sequence[float] = WAITS_S) -> list[Message]:
    """Take messages that are due, at most so many, the longest due first; many may race."""
    moment = now(session)
    due = (
        select(WebhookDeliveryRow, WebhookRow)
        .join(WebhookRow, WebhookRow.id == WebhookDeliveryRow.webhook_id)
        .where(WebhookDeliveryRow.status == "pending", WebhookDeliveryRow.next_at <= moment)
        .order_by(WebhookDeliveryRow.next_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=WebhookDeliveryRow)
    )
    taken = []
    for delivery, webhook in session.execute(due).all():
        if delivery.attempts > len(waits_s):  # its taker died in the last attempt
            delivery.status, delivery.ended_at = "failed", moment
            continue
        delivery.attempts += 1
        wait = waits_s[min(delivery.attempts, len(waits_s)) - 1]
        delivery.next_at = moment + timedelta(seconds=wait)
        taken.append(Message(delivery.id, webhook.url, webhook.secret, delivery.body, delivery.attempts))
    return taken


def settle(
    session: Session,
    message: Message,
    *,
    response_status: int | None,
    error: str | None,
    waits_s: Sequence[float] = WAITS_S,
) -> None:
    """Note how an attempt ended: without an `error` it is delivered, after the last one it has failed."""
    over = error is None or message.attempt > len(waits_s)
    status = "delivered" if error is None else "failed" if over else "pending"
    session.execute(
        update(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id == message.id, WebhookDeliveryRow.status == "pending")
        .values(
            status=status,
            response_status=response_status,
            error=None if error is None else error[:300],
            ended_at=now(session) if over else None,
        )
    )


def forget_old(session: Session) -> None:
    """Drop messages that are older than they are kept."""
    before = now(session) - timedelta(days=KEPT_DAYS)
    session.execute(delete(WebhookDeliveryRow).where(WebhookDeliveryRow.created_at < before))


def _told(event: str, job: JobRow) -> dict[str, Any]:
    """Say of a job what holds no text: ids, kinds, times, and the code of an error."""
    return {
        "type": event,
        "timestamp": _shown(job.finished_at),
        "data": {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "attempt": job.attempt,
            "error_code": job.error_code,
            "resource": {"kind": job.resource_kind, "id": job.resource_id},
            "created_at": _shown(job.created_at),
            "started_at": _shown(job.started_at),
            "finished_at": _shown(job.finished_at),
        },
    }


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
