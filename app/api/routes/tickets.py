"""Tickets: start one, look at it, take its mask, delete it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.api.dependencies import BackboneDep, BlobsDep, DatabaseDep, SettingsDep, TicketDep
from app.api.downloads import SAFETENSORS, download, downloads
from app.api.idempotency import StarterDep
from app.api.ingest import IncomingCorpus, take_corpus
from app.api.request_body import Accepts, File, Submission
from app.api.schemas.errors import refusals
from app.api.schemas.jobs import JobPublic
from app.api.schemas.scalars import Page, PageQuery
from app.api.schemas.tickets import Sharing, TicketAccepted, TicketPublic, TicketRequest
from app.auth.caller import ADMIN as ADMIN_ACTOR
from app.auth.caller import LOCAL, CallerDep
from app.auth.scopes import ADMIN, READ, TRAIN
from app.errors import FieldError, Forbidden, InvalidRequest, NotReadyYet
from app.registry import datasets, drifts, tickets
from app.storage import models
from ltp.backbone.manifest import BackboneInfo
from ltp.errors import BackboneMismatch, InvalidConfig

router = APIRouter(tags=["tickets"])

CORPUS = File("max_corpus_mb", "Plain UTF-8 text, one sentence or paragraph a line.")
RequestDep = Annotated[Submission[TicketRequest], Depends(Accepts(TicketRequest, files={"corpus": CORPUS}))]
SharingDep = Annotated[Submission[Sharing], Depends(Accepts(Sharing))]


@router.post(
    "/tickets",
    status_code=202,
    response_model=TicketAccepted,
    operation_id="create_ticket",
    dependencies=[TRAIN],
    summary="Make a ticket",
    responses=refusals(404, 409, 413, 415, 422),
)
def create_ticket(
    body: RequestDep,
    starter: StarterDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Measure a drift on unlabelled text and select a ticket from it; or, with `drift`, select from a stored one.

    The corpus comes in the request, or as a file in a multipart body whose part `request` is the JSON.
    """
    if (answer := starter.replay(body.digest)) is not None:
        return answer
    request, part = body.request, body.files.get("corpus")
    _check_depth(request, backbone)
    if request.drift is not None:
        if part is not None:
            message = "belongs to the drift and must be absent when `drift` is given"
            raise InvalidRequest(f"corpus: {message}", fields=[FieldError("corpus", message)])
        return starter.start(
            body.digest, lambda session: _select(session, request, tenant=caller.tenant, backbone=backbone)
        )
    longest = settings.max_characters
    corpus = take_corpus(blobs, tenant=caller.tenant, request=request, part=part, longest=longest)
    return starter.start(
        body.digest, lambda session: _measure(session, request, corpus, tenant=caller.tenant, backbone=backbone)
    )


@router.get(
    "/tickets", operation_id="list_tickets", dependencies=[READ], summary="List tickets", responses=refusals(422)
)
def list_tickets(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[TicketPublic]:
    """Your tickets and those shared with all, newest first."""
    with db.read() as session:
        page = tickets.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
    return Page(items=[TicketPublic.of(row, tenant=caller.tenant) for row in page.items], next_cursor=page.next_cursor)


@router.get(
    "/tickets/{ticket_id}",
    operation_id="get_ticket",
    dependencies=[READ],
    summary="Look at a ticket",
    responses=refusals(404),
)
def get_ticket(ticket: TicketDep, caller: CallerDep) -> TicketPublic:
    """Its figures, and how the active parameters are distributed over the layers."""
    return TicketPublic.of(ticket, tenant=caller.tenant)


@router.get(
    "/tickets/{ticket_id}/mask",
    operation_id="download_mask",
    dependencies=[READ],
    summary="Download the mask",
    response_class=Response,
    responses={**downloads(SAFETENSORS, "One bit-packed uint8 tensor a parameter"), **refusals(404, 409)},
)
async def download_mask(ticket: TicketDep, blobs: BlobsDep) -> Response:
    """Safetensors: one uint8 tensor, eight bits a byte, for each parameter with active entries."""
    if ticket.status != "ready":
        raise NotReadyYet(f"ticket {ticket.id} is {ticket.status}; it has no mask yet")
    name = f"ticket-{ticket.id}.safetensors"
    return await download(tickets.stream_mask(blobs, ticket), SAFETENSORS, name=name, size=ticket.mask_bytes)


@router.delete(
    "/tickets/{ticket_id}",
    status_code=204,
    operation_id="delete_ticket",
    dependencies=[TRAIN],
    summary="Delete a ticket",
    responses=refusals(404, 409),
)
def delete_ticket(ticket: TicketDep, db: DatabaseDep, caller: CallerDep) -> None:
    """409 while adapters depend on it."""
    with db.write() as session:
        tickets.delete_ticket(session, tenant=caller.tenant, ticket_id=ticket.id)


@router.put(
    "/tickets/{ticket_id}/shared",
    operation_id="share_ticket",
    dependencies=[ADMIN],
    summary="Share a ticket with all tenants, or end that",
    responses=refusals(404, 409, 413, 415, 422),
)
def share_ticket(ticket: TicketDep, body: SharingDep, db: DatabaseDep, caller: CallerDep) -> TicketPublic:
    """Only ADMIN_KEY can, for tickets of its own tenant: 403 for every other key.

    409 for a ticket that is not ready, and for ending it while other tenants' adapters depend on the ticket.
    """
    if caller.actor not in (ADMIN_ACTOR, LOCAL):
        raise Forbidden("only ADMIN_KEY shares tickets with all tenants; ask whoever runs this service")
    with db.write() as session:
        row = tickets.share(session, tenant=caller.tenant, ticket_id=ticket.id, shared=body.request.shared)
    return TicketPublic.of(row, tenant=caller.tenant)


def _check_depth(request: TicketRequest, backbone: BackboneInfo) -> None:
    """Refuse layers the backbone does not have, and thirds that are empty in a shallow one."""
    from ltp.backbone.layers import layers_in  # its package imports torch

    try:
        layers_in(request.layers, backbone.layers)
    except InvalidConfig as error:
        raise InvalidRequest(str(error), fields=[FieldError("layers", str(error))]) from error


def _select(session: Session, request: TicketRequest, *, tenant: str, backbone: BackboneInfo) -> TicketAccepted:
    """Queue a selection from a stored drift."""
    drift = drifts.get_ready(session, tenant=tenant, drift_id=request.drift or "")
    if drift.backbone != backbone.fingerprint:
        raise BackboneMismatch(artefact=drift.backbone, backbone=backbone.fingerprint)
    if "language" in request.model_fields_set and request.language != drift.language:
        message = f"the drift was measured on {drift.language!r}; leave this out"
        raise InvalidRequest(f"language: {message}", fields=[FieldError("language", message)])
    return _queue(session, request, drift, tenant=tenant)


def _measure(
    session: Session, request: TicketRequest, corpus: IncomingCorpus, *, tenant: str, backbone: BackboneInfo
) -> TicketAccepted:
    """Queue an MLM run and the selection from it."""
    dataset = None
    if corpus.blob_id is not None:
        dataset = datasets.create(
            session,
            tenant=tenant,
            kind="corpus",
            blob_id=corpus.blob_id,
            count=corpus.count,
            filename=corpus.filename,
        )
    drift = drifts.begin(
        session,
        tenant=tenant,
        backbone=backbone.fingerprint,
        backbone_name=backbone.name,
        language=request.language,
        strategy=request.strategy,
        config=asdict(request.mlm),
        corpus=corpus.builtin,
        dataset_id=dataset.id if dataset is not None else None,
    )
    return _queue(session, request, drift, tenant=tenant)


def _queue(session: Session, request: TicketRequest, drift: models.DriftRow, *, tenant: str) -> TicketAccepted:
    ticket, job = tickets.create(session, tenant=tenant, drift=drift, config=request.selection(), name=request.name)
    return TicketAccepted(job=JobPublic.of(job), ticket=TicketPublic.of(ticket, tenant=tenant))
