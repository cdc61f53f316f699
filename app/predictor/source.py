"""Where the engine gets adapters from: the registry's blobs, verified chunk by chunk and again as artefacts."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from app.blobs import BlobStore
from app.db import Database
from app.errors import AdapterNotFound
from app.models import Adapter as AdapterRow
from app.models import Ticket as TicketRow
from app.registry import tickets
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import BackboneMismatch

if TYPE_CHECKING:
    from ltp.adapter import Adapter
    from ltp.ticket import Ticket

KEPT_TICKETS = 4
"""Tickets are shared by many adapters, and a mask is an eighth of a byte a parameter."""


class RegistrySource:
    """Loads the adapter of an id with its ticket. Used by the engine's thread alone."""

    def __init__(self, db: Database, blobs: BlobStore, info: BackboneInfo) -> None:
        self.db, self.blobs, self.info = db, blobs, info
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()

    def __call__(self, adapter_id: str) -> tuple[Adapter, Ticket | None]:
        """Fetch and check one adapter.

        Raises:
            AdapterNotFound: it was deleted since the request was accepted.
            CorruptBlob, CorruptArtifact: what is stored is damaged; nothing of it is used.
            BackboneMismatch: it was made on another backbone.
        """
        from ltp.adapter import Adapter

        with self.db.read() as session:
            row = session.get(AdapterRow, adapter_id)
            ticket_row = session.get(TicketRow, row.ticket_id) if row is not None and row.ticket_id else None
        if row is None or row.blob_id is None or row.status != "ready":
            raise AdapterNotFound(adapter_id)
        if row.backbone != self.info.fingerprint:
            raise BackboneMismatch(artefact=row.backbone, backbone=self.info.fingerprint)
        with tempfile.TemporaryDirectory(prefix="ltp-adapter-") as directory:
            path = self.blobs.fetch(row.blob_id, Path(directory) / "adapter.safetensors")
            adapter = Adapter.load(path, self.info)
            ticket = None if ticket_row is None else self._ticket(ticket_row, Path(directory))
        return adapter, ticket

    def _ticket(self, row: TicketRow, directory: Path) -> Ticket:
        from ltp.ticket import Ticket

        if row.id not in self._tickets:
            path = tickets.fetch_mask(self.blobs, row, directory / "ticket.safetensors")
            self._tickets[row.id] = Ticket.load(path, self.info)
            while len(self._tickets) > KEPT_TICKETS:
                self._tickets.popitem(last=False)
        self._tickets.move_to_end(row.id)
        return self._tickets[row.id]
