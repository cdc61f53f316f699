"""Tickets: masks selected from a drift, or imported with an adapter. Stored compressed, handed out plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app import jobs
from app.errors import CorruptBlob, InUse, NoTicket, NotReadyYet, TicketNotFound
from app.storage import audit
from app.storage.blobs import BlobStore
from app.storage.chunks import CHUNK
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, DriftRow, JobRow, LanguageDeltaRow, TicketRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import new_id, now
from app.storage.tenancy import EVERY_TENANT
from ltp.backbone.manifest import BackboneInfo
from ltp.config import TicketConfig
from ltp.errors import BackboneMismatch

Dependant = type[AdapterRow] | type[LanguageDeltaRow]
DEPENDANTS: dict[Dependant, str] = {AdapterRow: "adapter", LanguageDeltaRow: "language delta"}
"""What stands on a ticket, and what it is called."""
COMPRESSION_LEVEL = 3
LARGEST_WINDOW = 8 << 20
"""Bytes of memory that unpacking may ask for; our level needs a quarter of it."""
HEADER_BYTES = 1024
"""More than a parameter takes in the header of a mask file: names, shapes, offsets."""


@dataclass(frozen=True)
class StagedTicket:
    """A mask that was staged, compressed, as `blob_id`; `mask_bytes` is its plain size.

    `figures` are those of `ltp.ticket.mask.Ticket`; each has a column of its name.
    """

    blob_id: str
    mask_sha256: str
    mask_bytes: int
    figures: Mapping[str, Any]

    @property
    def columns(self) -> dict[str, Any]:
        """What a ready ticket's row keeps of it, besides the blob."""
        return {"mask_sha256": self.mask_sha256, "mask_bytes": self.mask_bytes, **self.figures}


def create(
    session: Session, *, tenant: str, drift: DriftRow, config: TicketConfig, name: str | None = None
) -> tuple[TicketRow, JobRow]:
    """Add a pending ticket on `drift` and queue its job.

    A pending drift (from `drifts.begin`, in the same transaction) is trained and published with the ticket; a ready
    one is only selected from. Raises `NotReadyYet` for a drift whose own job is not done.
    """
    if drift.status != "ready" and drift.job_id is not None:
        raise NotReadyYet(f"drift {drift.id} is {drift.status}; a ticket is selected from a ready one")
    ticket_id = new_id()
    job = jobs.submit(
        session, tenant=tenant, kind="ticket", resource_kind="ticket", resource_id=ticket_id, backbone=drift.backbone
    )
    if drift.status == "pending":
        drift.job_id = job.id
    ticket = TicketRow(
        id=ticket_id,
        tenant=tenant,
        name=name,
        status="pending",
        origin="drift",
        shared=False,
        drift_id=drift.id,
        backbone=drift.backbone,
        language=drift.language,
        strategy=drift.strategy,
        active_ratio=config.active_ratio,
        rule=config.rule,
        layers=config.layers if isinstance(config.layers, str) else list(config.layers),
        distribution=[],
        job_id=job.id,
        created_at=now(session),
    )
    session.add(ticket)
    session.flush()
    audit.set_subject(session, "ticket", ticket_id)
    return ticket, job


def config_of(ticket: TicketRow) -> TicketConfig:
    """Return the selection a ticket was made with."""
    layers: Any = ticket.layers if isinstance(ticket.layers, str) else tuple(ticket.layers)
    return TicketConfig(active_ratio=ticket.active_ratio, rule=ticket.rule, layers=layers)  # type: ignore[arg-type]


def get(session: Session, *, tenant: str, ticket_id: str) -> TicketRow:
    """Return a ticket of the tenant, or one shared with all. Raises `TicketNotFound`."""
    ticket = session.scalar(select(TicketRow).where(TicketRow.id == ticket_id, _visible(tenant)))
    if ticket is None:
        raise TicketNotFound(ticket_id)
    return ticket


def get_ready(session: Session, *, tenant: str, ticket_id: str) -> TicketRow:
    """As `get`, and raise `NotReadyYet` unless it is published."""
    ticket = get(session, tenant=tenant, ticket_id=ticket_id)
    if ticket.status != "ready":
        raise NotReadyYet(f"ticket {ticket_id} is {ticket.status}; it must be ready")
    return ticket


def newest_ready(session: Session, *, tenant: str, backbone: str) -> TicketRow:
    """Return the tenant's newest ready ticket of a backbone, else the newest shared one. Raises `NoTicket`."""
    ticket = session.scalar(
        select(TicketRow)
        .where(TicketRow.status == "ready", TicketRow.backbone == backbone, _visible(tenant))
        .order_by((TicketRow.tenant == tenant).desc(), TicketRow.id.desc())
        .limit(1)
    )
    if ticket is None:
        raise NoTicket("no ticket is ready for the served backbone; make one with POST /tickets, or name one")
    return ticket


def list_page(
    session: Session, *, tenant: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[TicketRow]:
    """List the tenant's tickets and those shared with all, newest first."""
    return read_page(session, select(TicketRow).where(_visible(tenant)), by=TicketRow.id, limit=limit, cursor=cursor)


def delete_ticket(session: Session, *, tenant: str, ticket_id: str) -> None:
    """Delete a ticket. Raises `TicketNotFound`, and `InUse` while its job, adapters or language deltas depend on it."""
    ticket = _locked(session, tenant=tenant, ticket_id=ticket_id)
    if ticket.status == "pending":
        raise InUse(f"job {ticket.job_id} is still making ticket {ticket_id}; cancel it first")
    for table, noun in DEPENDANTS.items():
        mine = session.scalar(select(table.id).where(*_depends(table, ticket_id), table.tenant == tenant).limit(1))
        if mine is not None:
            raise InUse(f"{noun} {mine} depends on ticket {ticket_id}; delete it first")
    _refuse_if_used_elsewhere(session, ticket)
    for table in DEPENDANTS:
        detached = update(table).where(table.ticket_id == ticket_id).values(ticket_id=None)
        session.execute(detached, execution_options=EVERY_TENANT)  # failed ones, other tenants' too
    session.execute(delete(TicketRow).where(TicketRow.id == ticket_id))
    jobs.erase_words(session, ticket.job_id)
    audit.set_subject(session, "ticket", ticket_id)


def set_shared(session: Session, *, tenant: str, ticket_id: str, shared: bool) -> TicketRow:
    """Let all tenants use a ready ticket, or its own only.

    Raises `TicketNotFound`, `NotReadyYet`, and `InUse` for taking back what others' adapters depend on.
    """
    ticket = _locked(session, tenant=tenant, ticket_id=ticket_id)
    if ticket.status != "ready":
        raise NotReadyYet(f"ticket {ticket_id} is {ticket.status}; it must be ready to be shared")
    if not shared:
        _refuse_if_used_elsewhere(session, ticket)
        if session.scalar(select(exists().where(AdapterRow.ticket_id == ticket_id, AdapterRow.shared))):
            raise InUse(f"the starter, which every tenant may use, stands on ticket {ticket_id}; it has to stay shared")
    ticket.shared = shared
    audit.set_subject(session, "ticket", ticket_id)
    return ticket


def compress(plain: Path, compressed: Path) -> Path:
    """Compress a mask file for storage; the same mask gives the same bytes, so it is stored once."""
    with plain.open("rb") as source, compressed.open("wb") as target:
        zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).copy_stream(source, target, size=plain.stat().st_size)
    return compressed


def stream_mask(store: BlobStore, ticket: TicketRow) -> Iterator[bytes]:
    """Yield a ready ticket's mask file, plain: `mask_bytes` bytes of safetensors. Raises `CorruptBlob`.

    Masks compress so well that one chunk may hold all of it; it is unpacked a piece at a time, and no further than its
    declared size.
    """
    size, left = ticket.mask_bytes or 0, ticket.mask_bytes or 0
    compressed = _Compressed(store.stream(str(ticket.blob_id)))
    unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    try:
        if compressed.declared_size() != size:
            raise CorruptBlob(f"the stored mask of ticket {ticket.id} does not unpack to {size:,} bytes")
        for piece in unpacker.read_to_iter(cast("IO[bytes]", compressed), write_size=CHUNK):
            left -= len(piece)
            if left < 0:
                break
            yield piece
    except zstandard.ZstdError as error:
        raise CorruptBlob(f"the stored mask of ticket {ticket.id} cannot be unpacked: {error}") from error
    if left:
        raise CorruptBlob(f"the stored mask of ticket {ticket.id} does not unpack to {size:,} bytes")


class _Compressed:
    """A stream of chunks as the decompressor reads it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def declared_size(self) -> int:
        """Return what the first frame says it unpacks to. Raises ZstdError."""
        self._rest = memoryview(next(self._chunks, b""))
        return zstandard.get_frame_parameters(self._rest).content_size

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`."""
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


def fetch_mask(store: BlobStore, ticket: TicketRow, path: Path, *, backbone: BackboneInfo | None = None) -> Path:
    """Write a ready ticket's mask file, plain, to `path`. Raises `CorruptBlob`, also for more than fits `backbone`."""
    if backbone is not None and (ticket.mask_bytes or 0) > most_bytes(backbone):
        what = f"ticket {ticket.id} has a mask of {ticket.mask_bytes:,} bytes"
        raise CorruptBlob(f"{what}; the backbone's parameters need {most_bytes(backbone):,} at most")
    with path.open("wb") as file:
        file.writelines(stream_mask(store, ticket))
    return path


def most_bytes(backbone: BackboneInfo) -> int:
    """Return the size of a mask file in which every parameter is active: a bit each, and its place in the header."""
    return sum(HEADER_BYTES + -(-prod(shape) // 8) for shape in backbone.shapes.values())


def hold(session: Session, *, tenant: str, ticket_id: str) -> TicketRow | None:
    """Return a ticket that is ready and that the tenant may use; it stays both until the transaction ends.

    None if it is gone, or shared no more: it may be another tenant's, whose transactions do not wait for this tenant's.
    """
    return session.scalar(
        select(TicketRow)
        .where(TicketRow.id == ticket_id, TicketRow.status == "ready", _visible(tenant))
        .with_for_update(read=True, key_share=True)
        .execution_options(populate_existing=True)
    )


def held(session: Session, ticket_id: str | None, *, tenant: str, backbone: str) -> TicketRow:
    """Return the ticket to train on, held: the one named, else the newest ready one of the backbone.

    Raises:
        TicketNotFound, NotReadyYet, NoTicket: there is no such ticket, it is not published, or there is none at all.
        BackboneMismatch: it was made on another backbone.
    """
    while True:
        if ticket_id is None:
            ticket = newest_ready(session, tenant=tenant, backbone=backbone)
        else:
            ticket = get_ready(session, tenant=tenant, ticket_id=ticket_id)
        if ticket.backbone != backbone:
            raise BackboneMismatch(artefact=ticket.backbone, backbone=backbone)
        if hold(session, tenant=tenant, ticket_id=ticket.id) is not None:
            return ticket  # else another tenant, whose it is, has just deleted it, or shares it no more


def _locked(session: Session, *, tenant: str, ticket_id: str) -> TicketRow:
    lock_tenant(session, tenant)
    ticket = session.scalar(
        select(TicketRow).where(TicketRow.id == ticket_id, TicketRow.tenant == tenant).with_for_update()
    )
    if ticket is None:
        raise TicketNotFound(ticket_id)
    return ticket


def _depends(table: Dependant, ticket_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (table.ticket_id == ticket_id, table.status.in_(("pending", "ready")))


def _refuse_if_used_elsewhere(session: Session, ticket: TicketRow) -> None:
    """Raise InUse if what other tenants have depends on a ticket; the message names no tenant and no id."""
    for table, noun in DEPENDANTS.items():
        elsewhere = select(table.id).where(*_depends(table, ticket.id), table.tenant != ticket.tenant).limit(1)
        if session.scalar(elsewhere, execution_options=EVERY_TENANT) is not None:
            raise InUse(f"ticket {ticket.id} was shared, and {noun}s of other tenants depend on it; it has to stay so")


def _visible(tenant: str) -> ColumnElement[bool]:
    return or_(TicketRow.tenant == tenant, TicketRow.shared)
