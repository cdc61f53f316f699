"""Imported artefacts: published at once, without a job, after the caller has verified them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.registry.adapters import next_version
from app.registry.aliases import point
from app.storage import audit, blob_lifecycle
from app.storage.models import AdapterRow, TicketRow
from app.storage.table import new_id, now
from ltp.config import TicketConfig


@dataclass(frozen=True)
class ImportedTicket:
    """A verified mask. `blob_id` is the staged, compressed mask file; `mask_bytes` is its plain size."""

    blob_id: str
    mask_sha256: str
    mask_bytes: int
    backbone: str
    strategy: str
    config: TicketConfig
    active: int
    selectable: int
    moved: int
    zero_drift: int
    distribution: list[dict[str, Any]]


@dataclass(frozen=True)
class ImportedAdapter:
    """A verified adapter. `blob_id` is staged; the dicts are what the file says of itself."""

    blob_id: str
    size: int
    lang: str
    name: str | None
    method: str
    backbone: str
    seeds: int
    training: dict[str, Any]
    metrics: dict[str, Any]
    examples: dict[str, Any]


def find_ticket(session: Session, *, tenant: str, mask_sha256: str, backbone: str) -> TicketRow | None:
    """Return the ready ticket with this mask: the tenant's own before one shared with all, the oldest first."""
    return session.scalar(
        select(TicketRow)
        .where(
            TicketRow.mask_sha256 == mask_sha256,
            TicketRow.backbone == backbone,
            TicketRow.status == "ready",
            (TicketRow.tenant == tenant) | TicketRow.shared,
        )
        .order_by((TicketRow.tenant == tenant).desc(), TicketRow.id)
        .limit(1)
    )


def add_ticket(session: Session, found: ImportedTicket, *, tenant: str) -> TicketRow:
    """Add a ready ticket without a drift."""
    config, moment = found.config, now(session)
    ticket = TicketRow(
        id=new_id(),
        tenant=tenant,
        name=None,
        status="ready",
        origin="import",
        shared=False,
        drift_id=None,
        backbone=found.backbone,
        language=None,
        active_ratio=config.active_ratio,
        active=found.active,
        selectable=found.selectable,
        moved=found.moved,
        zero_drift=found.zero_drift,
        rule=config.rule,
        layers=config.layers if isinstance(config.layers, str) else list(config.layers),
        strategy=found.strategy,
        distribution=found.distribution,
        mask_sha256=found.mask_sha256,
        mask_bytes=found.mask_bytes,
        blob_id=blob_lifecycle.use(session, found.blob_id),
        created_at=moment,
        published_at=moment,
    )
    session.add(ticket)
    session.flush()
    return ticket


def add_adapter(
    session: Session, found: ImportedAdapter, *, tenant: str, ticket_id: str | None, alias: str | None
) -> AdapterRow:
    """Add a ready adapter under the language's next version, and point `alias` at it."""
    moment = now(session)
    adapter = AdapterRow(
        id=new_id(),
        tenant=tenant,
        lang=found.lang,
        version=next_version(session, tenant=tenant, lang=found.lang),
        name=found.name,
        requested_alias=alias,
        status="ready",
        method=found.method,
        origin="import",
        ticket_id=ticket_id,
        backbone=found.backbone,
        seeds=found.seeds,
        training=found.training,
        metrics=found.metrics,
        examples=found.examples,
        blob_id=blob_lifecycle.use(session, found.blob_id),
        bytes=found.size,
        created_at=moment,
        published_at=moment,
    )
    session.add(adapter)
    session.flush()
    if alias is not None:
        point(session, adapter, alias=alias)
    audit.concerns(session, "adapter", adapter.id)
    return adapter
