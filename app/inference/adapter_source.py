"""Where the engine gets adapters from: the registry's blobs, whose chunks and contents are verified."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cachetools import LRUCache

from app.errors import AdapterNotFound, TicketNotFound
from app.registry import tickets
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, TicketRow
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import BackboneMismatch

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.ticket.mask import Ticket

KEPT_TICKETS = 4
"""Tickets are shared by many adapters, and a mask is an eighth of a byte a parameter."""


class AdapterKey(NamedTuple):
    """What the engine knows an adapter by: with its tenant, so that no other tenant's request reaches it by its id."""

    tenant: str
    adapter_id: str

    def __str__(self) -> str:
        return self.adapter_id


class ImportedFile(NamedTuple):
    """What the engine knows an export by that is tried before it is stored."""

    tenant: str
    path: Path

    def __str__(self) -> str:
        return "of this file"


class RegistrySource:
    """Loads an adapter with its ticket, as its tenant sees them. Never called by two threads at once."""

    def __init__(self, db: Database, info: BackboneInfo) -> None:
        self.db, self.info = db, info
        self._tickets: LRUCache[str, Ticket] = LRUCache(KEPT_TICKETS)

    def __call__(self, key: AdapterKey | ImportedFile) -> tuple[Adapter, Ticket | None]:
        """Fetch and check one adapter.

        Raises:
            AdapterNotFound: it was deleted since the request was accepted, or never was that tenant's.
            TicketNotFound: its ticket cannot be seen any more.
            CorruptBlob, CorruptArtifact: what is stored is damaged; nothing of it is used.
            BackboneMismatch: it was made on another backbone.
        """
        from ltp.adapter.artefact import Adapter, read_export

        if isinstance(key, ImportedFile):
            export = read_export(key.path, self.info)
            return export.adapter, export.ticket
        view = self.db.of(key.tenant)
        with view.read() as session:
            row = session.get(AdapterRow, key.adapter_id)
            ticket_row = session.get(TicketRow, row.ticket_id) if row is not None and row.ticket_id else None
        if row is None or row.blob_id is None or row.status != "ready":
            raise AdapterNotFound(key.adapter_id)
        if row.backbone != self.info.fingerprint:
            raise BackboneMismatch(artefact=row.backbone, backbone=self.info.fingerprint)
        if row.ticket_id is not None and ticket_row is None:
            raise TicketNotFound(row.ticket_id)
        blobs = BlobStore(view)
        with blobs.loaded(row.blob_id) as content:
            adapter = Adapter.parse(f"adapter {key.adapter_id}", content, self.info)
        return adapter, None if ticket_row is None else self._ticket(blobs, ticket_row)

    def _ticket(self, blobs: BlobStore, row: TicketRow) -> Ticket:
        from ltp.ticket.mask import Ticket

        ticket = self._tickets.get(row.id)
        if ticket is None:
            with tempfile.TemporaryDirectory(prefix="ltp-ticket-") as directory:
                path = tickets.fetch_mask(blobs, row, Path(directory) / "ticket.safetensors", backbone=self.info)
                ticket = self._tickets[row.id] = Ticket.load(path, self.info)
        return ticket
