"""Adapters between services: writing one into a single file, and storing such a file after everything was verified.

Both import torch when they are called, in a thread of the request. An export carries notes for people (language, name,
scores, hyperparameters) in its metadata; what they say is checked against the API's own schema before it is stored.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from app.api.schemas.adapters import AdapterMetrics, ExampleCounts, ImportRequest
from app.api.schemas.scalars import Language, Name, Request
from app.errors import FieldError, InvalidRequest, NotReadyYet
from app.http.strict_json import JSONRefused, parse
from app.http.validation_errors import field_errors
from app.registry import imports, tickets
from app.registry.adapter_notes import CARRIED_BYTES, AdapterNotes
from app.registry.imports import ImportedAdapter
from app.registry.tickets import StagedTicket
from app.storage import models
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.spool import Spool, SpoolFolder
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import CorruptArtifact, DeltaDoesNotFitTicket, InvalidConfig
from ltp.model.methods import METHODS
from ltp.model.template import least_tokens
from ltp.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.ticket.mask import Ticket

LONGEST_NOTES = 1 << 20
"""Characters that are read; of a file's notes no more is kept than `CARRIED_BYTES`."""
DEEPEST_NOTES = 32
MOST_SEEDS = 100


class ImportedMetrics(AdapterMetrics):
    """Scores as a file says them."""

    per_seed: Annotated[list[dict[str, Any]], Field(max_length=MOST_SEEDS)] = Field(default=[])


class ImportNotes(Request):
    """What an export says about the adapter it holds."""

    lang: Language
    name: Name | None = None
    seeds: int = Field(default=1, ge=1, le=MOST_SEEDS)
    training: dict[str, Any] = Field(default={})
    metrics: ImportedMetrics = ImportedMetrics()
    examples: ExampleCounts = ExampleCounts()

    @model_validator(mode="after")
    def _a_score_a_seed(self) -> Self:
        if len(self.metrics.per_seed) > self.seeds:
            told = f"metrics.per_seed has {len(self.metrics.per_seed)} scores; the adapter was trained with"
            raise ValueError(f"{told} {self.seeds} seeds")
        return self

    def kept(self) -> AdapterNotes:
        """Return what is stored of them. Raises `CorruptArtifact` for more than any export carries."""
        metrics, examples = (part.model_dump(exclude_none=True) for part in (self.metrics, self.examples))
        notes = AdapterNotes(self.training, metrics, examples).within(CARRIED_BYTES)
        if notes.size > CARRIED_BYTES:
            raise CorruptArtifact(
                f"the file's notes take {notes.size:,} bytes without their details, and {CARRIED_BYTES:,} may be kept"
            )
        return notes


@dataclass(frozen=True)
class Export:
    """An export on disk; `folder.close()` removes it."""

    folder: SpoolFolder
    path: Path


def write_export(db: Database, blobs: BlobStore, row: models.AdapterRow, *, spool: Spool) -> Export:
    """Write delta, prompt, metadata and mask of a ready adapter into one file in a folder of its own on the spool.

    Raises:
        TooManyUploads, SpoolFull: there is no room for it now.
        NotReadyYet: it is not published.
        CorruptBlob, CorruptArtifact: what is stored is damaged.
    """
    if row.status != "ready" or row.blob_id is None:
        raise NotReadyYet(f"adapter {row.id} is {row.status}; there is nothing to export yet")
    from ltp.adapter.artefact import open_export
    from ltp.ticket.mask import Ticket

    with db.read() as session:
        ticket_row = tickets.get(session, tenant=row.tenant, ticket_id=row.ticket_id) if row.ticket_id else None
    folder = spool.folder(db.tenant or row.tenant)
    try:
        folder.take(2 * ((row.bytes or 0) + (0 if ticket_row is None else ticket_row.mask_bytes or 0)))
        stored = folder.path
        adapter, _, _, left = open_export(blobs.fetch(row.blob_id, stored / "adapter.safetensors"))
        ticket = None
        if ticket_row is not None:
            mask = tickets.fetch_mask(blobs, ticket_row, stored / "ticket.safetensors")
            ticket = Ticket.load(mask, None, leave=True)
        adapter.save(stored / "export.safetensors", ticket=ticket, notes=_notes_of(row), left=left)
    except BaseException:
        folder.close()
        raise
    return Export(folder, stored / "export.safetensors")


def store_import(
    db: Database,
    blobs: BlobStore,
    path: Path,
    *,
    tenant: str,
    backbone: BackboneInfo,
    vocabulary: Vocabulary | None,
    request: ImportRequest,
) -> models.AdapterRow:
    """Verify an exported file, store its adapter and, unless it is here already, its ticket.

    Raises:
        CorruptArtifact, NonFiniteWeights: the file is not what it says, or no such file at all.
        BackboneMismatch: it was made on another backbone.
        InvalidRequest: neither the request nor the file names the language.
    """
    from ltp.adapter.artefact import read_export

    try:
        adapter, ticket, raw_notes, left = read_export(path, backbone, leave=True)
    except DeltaDoesNotFitTicket as error:
        raise CorruptArtifact(str(error)) from error
    _check_plausible(adapter, ticket, backbone, vocabulary)
    notes = _read_notes(raw_notes, request)
    without_mask = path.with_name("adapter.safetensors")
    adapter.save(without_mask, left=left)
    blob = blobs.stage(tenant, without_mask)
    imported = ImportedAdapter(
        blob_id=blob.id,
        size=blob.size,
        lang=request.lang or notes.lang,
        name=notes.name,
        method=adapter.method,
        backbone=adapter.backbone,
        seeds=notes.seeds,
        notes=notes.kept(),
    )
    with blobs.until_used(blob.id):
        return _register(db, blobs, imported, ticket, path.parent, tenant=tenant, alias=request.alias)


def _register(
    db: Database,
    blobs: BlobStore,
    imported: ImportedAdapter,
    ticket: Ticket | None,
    folder: Path,
    *,
    tenant: str,
    alias: str | None,
) -> models.AdapterRow:
    """Add the adapter on the ticket with its mask. The mask is stored only once it is known to be needed."""
    mask: StagedTicket | None = None
    with ExitStack() as staged:
        while True:
            with db.write() as session:
                ticket_id = None if ticket is None else _ticket_id(session, ticket, mask, tenant=tenant)
                if ticket is None or ticket_id is not None:
                    row = imports.add_adapter(session, imported, tenant=tenant, ticket_id=ticket_id, alias=alias)
                    if blobs.quota is not None:
                        blobs.quota.check(session, tenant)
                    return row
            mask = stage_mask(blobs, ticket, folder, tenant=tenant)
            staged.enter_context(blobs.until_used(mask.blob_id))


def _check_plausible(
    adapter: Adapter, ticket: Ticket | None, backbone: BackboneInfo, vocabulary: Vocabulary | None
) -> None:
    """Refuse figures that no training here could have written; bytes and hashes were checked before."""
    tokenizer = None if vocabulary is None else vocabulary.tokenizer
    form, most = METHODS[adapter.method].form, backbone.max_positions
    least = least_tokens(form, prompt_length=len(adapter.prompt), tokenizer=tokenizer)
    if not least <= adapter.template.max_length <= most:
        found = adapter.template.max_length
        raise CorruptArtifact(f"the adapter's max_length is {found}; with its prompt it must be {least} to {most}")
    if ticket is None:
        return
    from ltp.backbone.layers import layers_in

    try:
        layers_in(ticket.config.layers, backbone.layers)
    except InvalidConfig as error:
        raise CorruptArtifact(f"the ticket's scope cannot be: {error}") from error
    size = sum(prod(shape) for shape in ticket.shapes.values())
    counted = 0 <= ticket.zero_drift <= ticket.active <= ticket.selectable <= size
    if not counted or not 0 <= ticket.moved <= ticket.selectable:
        raise CorruptArtifact("the ticket's counts contradict each other")


def stage_mask(blobs: BlobStore, ticket: Ticket, folder: Path, *, tenant: str) -> StagedTicket:
    """Stage a ticket's mask, compressed."""
    plain = folder / "ticket.safetensors"
    ticket.save(plain)
    blob = blobs.stage(tenant, tickets.compress(plain, folder / "ticket.zst"))
    mask_bytes = plain.stat().st_size
    return StagedTicket(blob.id, mask_sha256=ticket.sha256, mask_bytes=mask_bytes, figures=ticket.figures())


def _ticket_id(session: Session, ticket: Ticket, mask: StagedTicket | None, *, tenant: str) -> str | None:
    """Return the id of the ticket with this mask; of a new one, from what was staged, if there is none and it was."""
    row = imports.find_ticket(session, tenant=tenant, mask_sha256=ticket.sha256, backbone=ticket.backbone)
    if row is None and mask is not None:
        row = imports.add_ticket(
            session,
            mask,
            tenant=tenant,
            backbone=ticket.backbone,
            strategy=ticket.strategy,
            config=ticket.config,
        )
    return row.id if row is not None else None


def _notes_of(row: models.AdapterRow) -> str:
    notes = AdapterNotes(row.training or {}, row.metrics or {}, row.examples or {}).within(CARRIED_BYTES)
    said = {"lang": row.lang, "name": row.name, "seeds": row.seeds}
    return json.dumps(said | asdict(notes), ensure_ascii=False)


def _depth(tree: object) -> int:
    """Count the levels of nested lists and objects."""
    level, depth = [tree], 0
    while level:
        inner = [value for node in level if isinstance(node, dict) for value in node.values()]
        level = inner + [value for node in level if isinstance(node, list) for value in node]
        depth += 1
    return depth


def _read_notes(raw: str, request: ImportRequest) -> ImportNotes:
    """Read what the file says of itself; a file without notes needs a language in the request."""
    if not raw and request.lang is None:
        message = "the file names no language; give one"
        raise InvalidRequest(f"lang: {message}", fields=[FieldError("lang", message)])
    try:
        if len(raw) > LONGEST_NOTES or _depth(parse(raw.encode() or b"{}")) > DEEPEST_NOTES:
            raise CorruptArtifact("the file's notes are longer or deeper than any export's")
        return ImportNotes.model_validate_json(raw or json.dumps({"lang": request.lang}), strict=True)
    except ValidationError as error:
        first = field_errors(error.errors(include_url=False, include_input=False))[0]
        where = f"{first.path}: " if first.path else ""
        raise CorruptArtifact(f"the file's notes are not what an export carries: {where}{first.message}") from None
    except (JSONRefused, UnicodeEncodeError) as error:
        raise CorruptArtifact(f"the file's notes are not what an export carries: {error}") from None
