"""Drifts: the results of MLM runs. One answers every later question about ratios and layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from app import jobs
from app.errors import DriftNotFound, InUse, NotReadyYet
from app.registry import datasets
from app.storage import audit
from app.storage.locks import lock_tenant
from app.storage.models import DriftRow, TicketRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import new_id, now

MOST_TICKETS = 1000
MAGNITUDES = "magnitudes"
"""Where a drift's report keeps how large its values are in each layer, as `ltp.ticket.preview` reads it."""


def begin(
    session: Session,
    *,
    tenant: str,
    backbone: str,
    backbone_name: str,
    language: str,
    strategy: str,
    config: dict[str, Any],
    corpus: str | None,
    dataset_id: str | None,
) -> DriftRow:
    """Add a pending drift over a built-in `corpus` or an uploaded dataset; `tickets.create` queues the job for it."""
    drift = DriftRow(
        id=new_id(),
        tenant=tenant,
        status="pending",
        backbone=backbone,
        backbone_name=backbone_name,
        language=language,
        strategy=strategy,
        config=config,
        corpus=corpus,
        dataset_id=dataset_id,
        report={},
        created_at=now(session),
    )
    session.add(drift)
    session.flush()
    return drift


def get(session: Session, *, tenant: str, drift_id: str) -> DriftRow:
    """Return a drift of the tenant. Raises `DriftNotFound`."""
    drift = session.scalar(select(DriftRow).where(DriftRow.id == drift_id, DriftRow.tenant == tenant))
    if drift is None:
        raise DriftNotFound(drift_id)
    return drift


def get_ready(session: Session, *, tenant: str, drift_id: str) -> DriftRow:
    """As `get`, and raise `NotReadyYet` unless it is published."""
    drift = get(session, tenant=tenant, drift_id=drift_id)
    if drift.status != "ready":
        raise NotReadyYet(f"drift {drift_id} is {drift.status}; a ticket is selected from a ready one")
    return drift


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[DriftRow]:
    """List the tenant's drifts, newest first."""
    return read_page(
        session, select(DriftRow).where(DriftRow.tenant == tenant), by=DriftRow.id, limit=limit, cursor=cursor
    )


def tickets_of(session: Session, drift_id: str) -> Sequence[str]:
    """Return the ids of the tickets made from a drift, oldest first; of many, those of the newest `MOST_TICKETS`."""
    made = select(TicketRow.id).where(TicketRow.drift_id == drift_id).order_by(TicketRow.id.desc())
    return session.scalars(made.limit(MOST_TICKETS)).all()[::-1]


def delete_drift(session: Session, *, tenant: str, drift_id: str) -> None:
    """Delete a drift and its corpus; its tickets stay. Raises `DriftNotFound`, `InUse` while a job needs it."""
    lock_tenant(session, tenant)
    drift = get(session, tenant=tenant, drift_id=drift_id)
    selecting = exists().where(TicketRow.drift_id == drift_id, TicketRow.status == "pending")
    if drift.status == "pending" or session.scalar(select(selecting)):
        raise InUse(f"drift {drift_id} is needed by an unfinished ticket; wait for its job or cancel it first")
    session.execute(update(TicketRow).where(TicketRow.drift_id == drift_id).values(drift_id=None))
    if session.scalar(delete(DriftRow).where(DriftRow.id == drift_id).returning(DriftRow.id)) is None:
        raise DriftNotFound(drift_id)  # another request was faster
    jobs.erase_words(session, drift.job_id)
    datasets.erase(session, drift.dataset_id)
    audit.set_subject(session, "drift", drift_id)
