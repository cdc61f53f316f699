"""Adapters between services: writing one into a single file, and storing such a file after everything was verified.

Both import torch when they are called, in a thread of the request. An export carries notes for people (language, name,
scores, hyperparameters) in its metadata; what they say is checked against the API's own schema before it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.api.import_checks import check_answers, verified
from app.api.import_notes import ImportNotes, read_notes
from app.api.schemas.adapters import ImportRequest
from app.errors import NotReadyYet
from app.inference.adapter_source import ImportedFile
from app.registry import adapters, imports, tickets
from app.registry.adapter_notes import CARRIED_BYTES, AdapterNotes, without_readings
from app.registry.imports import ImportedAdapter, Origin
from app.storage import models
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.spool import Spool, SpoolFolder
from ltp.backbone.manifest import BackboneInfo
from ltp.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter


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
    try_out: Callable[[ImportedFile], None],
) -> models.AdapterRow:
    """Verify an exported file, store its adapter and, unless it is here already, its ticket.

    `try_out` has the adapter answer something, and raises when it cannot.

    Raises:
        CorruptArtifact, NonFiniteWeights: the file is not what it says, or no such file at all, or its adapter's
            answers are not finite.
        NotReady, QueueFull: it cannot be tried now.
        BackboneMismatch: it was made on another backbone.
        InvalidRequest: neither the request nor the file names the language.
    """
    adapter, ticket, raw_notes, left = verified(path, backbone, vocabulary)
    notes = read_notes(raw_notes, request, label_space=adapter.verbalizer.label_space)
    check_answers(try_out, ImportedFile(tenant, path))
    without_mask = path.with_name("adapter.safetensors")
    adapter.save(without_mask, left=left)
    blob = blobs.stage(tenant, without_mask)
    imported = described(adapter, notes, blob, lang=request.lang or notes.lang)
    with blobs.until_used(blob.id):
        return imports.register(db, blobs, imported, ticket, path.parent, tenant=tenant, alias=request.alias)


def described(
    adapter: Adapter, notes: ImportNotes, blob: models.BlobRow, *, lang: str, origin: Origin = "import"
) -> ImportedAdapter:
    """Say how a verified adapter is registered whose values are staged as `blob`; its file goes before its notes."""
    notes.training["text_form"] = adapter.text_form  # which answers go by
    if len(adapter.prompt):
        notes.training["prompt_length"] = len(adapter.prompt)  # which training that begins from it goes by
    return ImportedAdapter(
        blob_id=blob.id,
        size=blob.size,
        lang=lang,
        name=notes.name,
        method=adapter.method,
        backbone=adapter.backbone,
        seeds=notes.seeds,
        notes=notes.kept(),
        label_space=adapter.verbalizer.label_space,
        verbalizer=adapters.own_words(adapter.method, adapter.verbalizer),
        origin=origin,
    )


def _notes_of(row: models.AdapterRow) -> str:
    notes = AdapterNotes(row.training or {}, row.metrics or {}, row.examples or {})
    notes = without_readings(notes).within(CARRIED_BYTES)  # they are about files that stay here
    said = {"lang": row.lang, "name": row.name, "seeds": row.seeds}
    return json.dumps(said | asdict(notes), ensure_ascii=False, allow_nan=False)
