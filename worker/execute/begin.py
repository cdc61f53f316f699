"""What a training job begins from: the adapter that its row names, carried over to the ticket that is trained on, and
the changes of a language's own text on top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.registry import adapters, language_deltas, tickets
from app.storage.models import AdapterRow, TicketRow
from worker.context import JobContext

if TYPE_CHECKING:
    from ltp.adapter.start import Start
    from ltp.backbone.load import Backbone
    from ltp.ticket.mask import Ticket


def load_start(context: JobContext, row: AdapterRow, ticket: Ticket | None, backbone: Backbone) -> Start | None:
    """Load what training begins from; None for the pretrained values.

    Raises:
        AdapterNotFound, LanguageDeltaNotFound: it is gone, which nothing lets happen while the job waits.
        CorruptBlob, CorruptArtifact: what is stored of it is damaged.
        BackboneMismatch: it was made on another backbone.
    """
    start = _adapter(context, row, ticket, backbone)
    if row.language_delta_id is None or ticket is None:
        return start
    from ltp.adapter.start import add_language
    from ltp.language_delta.artefact import LanguageDelta

    with context.db.read() as session:
        made = language_deltas.get_ready(session, tenant=row.tenant, language_delta_id=row.language_delta_id)
    file = context.store.fetch(str(made.blob_id), context.directory / "language-delta.safetensors")
    language = LanguageDelta.load(file, backbone.info)
    language.check(ticket)
    return add_language(start, language.delta, ticket=ticket)


def _adapter(context: JobContext, row: AdapterRow, ticket: Ticket | None, backbone: Backbone) -> Start | None:
    if row.start_id is None:
        return None
    from ltp.adapter.artefact import Adapter
    from ltp.adapter.start import start_from

    with context.db.read() as session:
        start_row = adapters.get_ready(session, tenant=row.tenant, adapter_id=row.start_id)
        under = start_row.ticket_id
        ticket_row = None if under is None else tickets.get(session, tenant=row.tenant, ticket_id=under)
    file = context.store.fetch(str(start_row.blob_id), context.directory / "start.safetensors")
    adapter = Adapter.load(file, backbone.info)
    if ticket_row is None:
        own = None
    elif ticket is not None and ticket_row.mask_sha256 == ticket.sha256:
        own = ticket
    else:
        own = load_mask(context, ticket_row, backbone, name="start-ticket")
    return start_from(adapter, own, ticket, backbone)


def load_mask(context: JobContext, row: TicketRow, backbone: Backbone, *, name: str = "ticket") -> Ticket:
    """Load a ticket by way of a file of this name in the job's directory."""
    from ltp.ticket.mask import Ticket

    path = context.directory / f"{name}.safetensors"
    return Ticket.load(tickets.fetch_mask(context.store, row, path, backbone=backbone.info), backbone.info)
