"""Composing an adapter of others on one ticket: their values and prompts, multiplied and added up in fp32.

Imports torch when it is called, in a thread of the request. What comes out is an adapter like any other, and answers a
few pairs before it is stored; how good it is says an evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.orm import Session

from app.api.import_checks import check_answers
from app.api.refusals import refusal
from app.api.schemas.composition import CompositionRequest
from app.inference.adapter_source import ImportedFile
from app.registry import adapters, imports, language_deltas, tickets
from app.registry.adapter_notes import KEPT_BYTES, AdapterNotes
from app.registry.aliases import resolve_adapter
from app.registry.imports import ImportedAdapter
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow, LanguageDeltaRow, TicketRow
from app.storage.spool import SpoolFolder
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import BackboneMismatch, InvalidConfig
from ltp.model.methods import METHODS, Method

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.adapter.compose import OnTicket

TERMS = "terms"
"""Where `training` keeps what an adapter was composed of."""


@dataclass(frozen=True)
class FoundTerm:
    """A term of a composition, looked up."""

    row: AdapterRow | LanguageDeltaRow
    weight: float

    @property
    def name(self) -> str:
        """What people know it by."""
        kind = "adapter" if isinstance(self.row, AdapterRow) else "text of"
        return f"{kind} {self.row.lang}@{self.row.version}"

    @property
    def facts(self) -> dict[str, Any]:
        """What the result keeps of it."""
        kind = "adapter" if isinstance(self.row, AdapterRow) else "language_delta"
        return {"kind": kind, "id": self.row.id, "name": self.name, "weight": self.weight}

    def load(self, path: Path, backbone: BackboneInfo) -> OnTicket:
        """Read what was stored of it."""
        from ltp.adapter.artefact import Adapter
        from ltp.language_delta.artefact import LanguageDelta

        return (Adapter if isinstance(self.row, AdapterRow) else LanguageDelta).load(path, backbone)


def compose(
    db: Database,
    blobs: BlobStore,
    request: CompositionRequest,
    *,
    tenant: str,
    backbone: BackboneInfo,
    starter_of: str | None,
    folder: SpoolFolder,
    try_out: Callable[[ImportedFile], None],
) -> AdapterRow:
    """Compose an adapter and register it as the next version of its language.

    Raises:
        AdapterNotFound, NoAdapterForLanguage, InvalidReference: there is no such adapter.
        LanguageDeltaNotFound, NotReadyYet: there is no such language delta, or it is not published.
        InvalidRequest: the terms do not stand on one ticket, or answer with other labels or words.
        BackboneMismatch: one was made on another backbone.
        NonFiniteWeights: what comes out is too large.
        SpoolFull, QuotaExceeded, NotReady, QueueFull: there is no room for it, or it cannot be tried now.
    """
    with db.read() as session:
        terms = _found(session, request, tenant=tenant, backbone=backbone, starter_of=starter_of)
        ticket = tickets.get(session, tenant=tenant, ticket_id=str(terms[0].row.ticket_id))
    folder.take((len(terms) + 2) * max(term.row.bytes or 0 for term in terms) + 2 * (ticket.mask_bytes or 0))
    return _register(db, blobs, request, terms, ticket, backbone, folder.path, tenant=tenant, try_out=try_out)


def _register(
    db: Database,
    blobs: BlobStore,
    request: CompositionRequest,
    terms: Sequence[FoundTerm],
    ticket: TicketRow,
    backbone: BackboneInfo,
    folder: Path,
    *,
    tenant: str,
    try_out: Callable[[ImportedFile], None],
) -> AdapterRow:
    from ltp.adapter.compose import combine
    from ltp.ticket.mask import Ticket

    mask = Ticket.load(tickets.fetch_mask(blobs, ticket, folder / "mask.safetensors", backbone=backbone), backbone)
    loaded = []
    for place, term in enumerate(terms):
        path = blobs.fetch(str(term.row.blob_id), folder / f"term-{place}.safetensors")
        loaded.append((term.load(path, backbone), term.weight))
    try:
        adapter = combine(loaded, mask)
    except InvalidConfig as error:
        raise refusal("terms", str(error)) from error
    adapter.save(folder / "export.safetensors", ticket=mask)
    check_answers(try_out, ImportedFile(tenant, folder / "export.safetensors"))
    adapter.save(folder / "adapter.safetensors")
    blob = blobs.stage(tenant, folder / "adapter.safetensors")
    notes = AdapterNotes(_training(adapter, terms), {}, {}).within(KEPT_BYTES)
    composed = ImportedAdapter(
        blob_id=blob.id,
        size=blob.size,
        lang=request.lang,
        name=request.name,
        method=adapter.method,
        backbone=adapter.backbone,
        seeds=1,
        notes=notes,
        label_space=adapter.verbalizer.label_space,
        verbalizer=adapters.own_words(adapter.method, adapter.verbalizer),
        origin="composed",
    )
    with blobs.until_used(blob.id):
        return imports.register(db, blobs, composed, mask, folder, tenant=tenant, alias=request.alias)


def _found(
    session: Session, request: CompositionRequest, *, tenant: str, backbone: BackboneInfo, starter_of: str | None
) -> list[FoundTerm]:
    """Look the terms up, and see that they go together."""
    found = []
    for term in request.terms:
        row: AdapterRow | LanguageDeltaRow
        if term.language_delta is not None:
            row = language_deltas.named(session, term.language_delta, tenant=tenant)
        else:
            row = resolve_adapter(session, tenant=tenant, reference=str(term.adapter), starter_of=starter_of)
        if row.backbone != backbone.fingerprint:
            raise BackboneMismatch(artefact=row.backbone, backbone=backbone.fingerprint)
        found.append(FoundTerm(row, term.weight))
    under = {each.row.ticket_id for each in found} - {None}
    masks = {ticket_id: session.get_one(TicketRow, ticket_id).mask_sha256 for ticket_id in under}
    for place, each in enumerate(found):
        if (misfit := _misfit(each, found, masks)) is not None:
            raise refusal(f"terms.{place}", misfit)
    return found


def _misfit(term: FoundTerm, all_: Sequence[FoundTerm], masks: dict[str | None, str | None]) -> str | None:
    """Say why a term cannot be added to those before; None where it can."""
    row, first = term.row, all_[0]
    if isinstance(row, AdapterRow) and (not METHODS[cast(Method, row.method)].needs_ticket or row.ticket_id is None):
        return f"{term.name} was trained by method {row.method!r}, which has no ticket to add values on"
    if masks[row.ticket_id] != masks.get(first.row.ticket_id):
        return f"{term.name} is on another ticket than {first.name}, and values of one ticket alone can be added"
    if not isinstance(row, AdapterRow):
        return None
    leading = next(each.row for each in all_ if isinstance(each.row, AdapterRow))
    if (row.label_space, row.verbalizer or None) != (leading.label_space, leading.verbalizer or None):
        return f"{term.name} answers with other labels or words than adapter {leading.lang}@{leading.version}"
    return None


def _training(adapter: Adapter, terms: Sequence[FoundTerm]) -> dict[str, Any]:
    """What stands in the place of hyperparameters."""
    return {
        "method": adapter.method,
        "prompt_length": len(adapter.prompt),
        "max_length": adapter.template.max_length,
        "literal": adapter.template.literal,
        "text_form": adapter.text_form,
        TERMS: [term.facts for term in terms],
    }
