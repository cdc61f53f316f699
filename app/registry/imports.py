"""Artefacts that come whole: published at once, without a job, after the caller has verified them.

Imports, starters, and what is composed of other adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.registry import tickets
from app.registry.adapter_notes import AdapterNotes
from app.registry.adapters import next_version
from app.registry.aliases import point
from app.registry.starters import STARTER
from app.registry.tickets import StagedTicket
from app.storage import audit, blob_lifecycle
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, TicketRow
from app.storage.table import new_id, now
from ltp.backbone.strategy import Strategy
from ltp.config import LabelSpace, TicketConfig

if TYPE_CHECKING:
    from ltp.ticket.mask import Ticket as Mask


Origin = Literal["import", "starter", "composed"]
Check = Callable[[Session], None]


@dataclass(frozen=True)
class ImportedAdapter:
    """A verified adapter. `blob_id` is staged; the notes are what the file says of itself."""

    blob_id: str
    size: int
    lang: str
    name: str | None
    method: str
    backbone: str
    seeds: int
    notes: AdapterNotes
    label_space: LabelSpace = "three_way"
    verbalizer: dict[str, str] | None = None
    """Words of its own by label; None for the method's usual ones."""
    origin: Origin = "import"

    @property
    def shared(self) -> bool:
        """Whether every tenant may use it, and its ticket."""
        return self.origin == STARTER


def register(
    db: Database,
    blobs: BlobStore,
    imported: ImportedAdapter,
    ticket: Mask | None,
    folder: Path,
    *,
    tenant: str,
    alias: str | None,
    check: Check = lambda _: None,
) -> AdapterRow:
    """Add an adapter on the ticket with its mask. The mask is stored, by way of `folder`, only if it is needed.

    `check` is called first in the transaction that adds it, with the tenant locked, and may raise.
    """
    mask: StagedTicket | None = None
    with ExitStack() as staged:
        while True:
            with db.write() as session:
                lock_tenant(session, tenant)
                check(session)
                row = None if ticket is None else _ticket(session, ticket, mask, tenant=tenant)
                if ticket is None or row is not None:
                    if row is not None and imported.shared:
                        row.shared = True
                    ticket_id = None if row is None else row.id
                    adapter = add_adapter(session, imported, tenant=tenant, ticket_id=ticket_id, alias=alias)
                    if blobs.quota is not None:
                        blobs.quota.check(session, tenant)
                    return adapter
            mask = stage_mask(blobs, ticket, folder, tenant=tenant)
            staged.enter_context(blobs.until_used(mask.blob_id))


def stage_mask(blobs: BlobStore, ticket: Mask, folder: Path, *, tenant: str) -> StagedTicket:
    """Stage a ticket's mask, compressed."""
    plain = folder / "ticket.safetensors"
    ticket.save(plain)
    blob = blobs.stage(tenant, tickets.compress(plain, folder / "ticket.zst"))
    mask_bytes = plain.stat().st_size
    return StagedTicket(blob.id, mask_sha256=ticket.sha256, mask_bytes=mask_bytes, figures=ticket.figures())


def _ticket(session: Session, ticket: Mask, mask: StagedTicket | None, *, tenant: str) -> TicketRow | None:
    """Return the ticket with this mask; a new one, from what was staged, if there is none and it was."""
    row = find_ticket(session, tenant=tenant, mask_sha256=ticket.sha256, backbone=ticket.backbone)
    if row is None and mask is not None:
        made: dict[str, Any] = {"backbone": ticket.backbone, "strategy": ticket.strategy, "config": ticket.config}
        row = add_ticket(session, mask, tenant=tenant, **made)
    return row


def find_ticket(session: Session, *, tenant: str, mask_sha256: str, backbone: str) -> TicketRow | None:
    """Return the ready ticket with this mask, held: the tenant's own before one shared with all, the oldest first.

    Where there is none, none of the tenant's own is made either before the transaction ends.
    """
    lock_tenant(session, tenant)
    named = (
        select(TicketRow.id)
        .where(
            TicketRow.mask_sha256 == mask_sha256,
            TicketRow.backbone == backbone,
            TicketRow.status == "ready",
            (TicketRow.tenant == tenant) | TicketRow.shared,
        )
        .order_by((TicketRow.tenant == tenant).desc(), TicketRow.id)
        .limit(1)
    )
    while (ticket_id := session.scalar(named)) is not None:
        if (ticket := tickets.hold(session, tenant=tenant, ticket_id=ticket_id)) is not None:
            return ticket  # else another tenant, whose it is, has just deleted it, or shares it no more
    return None


def add_ticket(
    session: Session, staged: StagedTicket, *, tenant: str, backbone: str, strategy: Strategy, config: TicketConfig
) -> TicketRow:
    """Add a ready ticket without a drift, made on the backbone of this fingerprint; `find_ticket` has found none."""
    moment = now(session)
    ticket = TicketRow(
        id=new_id(),
        tenant=tenant,
        name=None,
        status="ready",
        origin="import",
        shared=False,
        drift_id=None,
        backbone=backbone,
        language=None,
        active_ratio=config.active_ratio,
        rule=config.rule,
        layers=config.layers if isinstance(config.layers, str) else list(config.layers),
        strategy=strategy,
        blob_id=blob_lifecycle.use(session, staged.blob_id),
        created_at=moment,
        published_at=moment,
        **staged.columns,
    )
    session.add(ticket)
    session.flush()
    audit.add_subject(session, "ticket", ticket.id, action="create_ticket")
    return ticket


def add_adapter(
    session: Session, imported: ImportedAdapter, *, tenant: str, ticket_id: str | None, alias: str | None
) -> AdapterRow:
    """Add a ready adapter under the language's next version, and point `alias` at it."""
    lock_tenant(session, tenant)
    moment = now(session)
    adapter = AdapterRow(
        id=new_id(),
        tenant=tenant,
        lang=imported.lang,
        version=next_version(session, tenant=tenant, lang=imported.lang),
        name=imported.name,
        requested_alias=alias,
        status="ready",
        method=imported.method,
        origin=imported.origin,
        shared=imported.shared,
        ticket_id=ticket_id,
        backbone=imported.backbone,
        seeds=imported.seeds,
        training=imported.notes.training,
        metrics=imported.notes.metrics,
        examples=imported.notes.examples,
        notes_bytes=imported.notes.size,
        label_space=imported.label_space,
        verbalizer=imported.verbalizer,
        blob_id=blob_lifecycle.use(session, imported.blob_id),
        bytes=imported.size,
        created_at=moment,
        published_at=moment,
    )
    session.add(adapter)
    session.flush()
    if alias is not None:
        point(session, adapter, alias=alias)
    audit.set_subject(session, "adapter", adapter.id)
    return adapter
