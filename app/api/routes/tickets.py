"""Tickets: make one, list them, look at one, download its mask, delete it. `sharing` shares them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.dependencies import BackboneDep, BlobsDep, DatabaseDep, SettingsDep, TicketDep, VocabularyDep
from app.api.downloads import SAFETENSORS, download, downloads
from app.api.idempotency import SubmitterDep
from app.api.ingest import stage_corpus
from app.api.pages import page_of
from app.api.request_body import File, ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page, PageQuery
from app.api.schemas.tickets import TicketAccepted, TicketPublic, TicketRequest
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.errors import FieldError, InvalidRequest, NotReadyYet, TicketNotFound
from app.registry import tickets
from app.registry.submissions import check_layers, submit_measured_ticket, submit_selected_ticket

router = APIRouter(tags=["tickets"])

CORPUS = File("max_corpus_mb", "Plain UTF-8 text, one sentence or paragraph a line.")
RequestDep = Annotated[ParsedBody[TicketRequest], Depends(RequestBody(TicketRequest, files={"corpus": CORPUS}))]


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
    submitter: SubmitterDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    vocabulary: VocabularyDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Measure a drift on unlabelled text and select a ticket from it; or, with `drift`, select from a stored one.

    The corpus comes in the request, or as a file in a multipart body whose part `request` is the JSON.
    """
    if (answer := submitter.replay(body.digest)) is not None:
        return answer
    request, tenant = body.request, caller.tenant
    check_layers(request.layers, backbone)
    if request.drift is not None:
        _refuse_corpus(body)
        language = request.language if "language" in request.model_fields_set else None
        select = partial(
            submit_selected_ticket,
            tenant=tenant,
            backbone=backbone,
            name=request.name,
            drift_id=request.drift,
            language=language,
            selection=request.selection(),
        )
        return submitter.start(body.digest, select, TicketAccepted.of)
    part, longest = body.files.get("corpus"), settings.max_characters
    corpus = stage_corpus(blobs, tenant=tenant, request=request, part=part, longest=longest, vocabulary=vocabulary)
    measure = partial(
        submit_measured_ticket,
        tenant=tenant,
        backbone=backbone,
        name=request.name,
        language=request.language,
        strategy=request.strategy,
        mlm=request.mlm,
        selection=request.selection(),
        corpus=corpus,
        memory_mb=settings.job_memory_mb,
    )
    with blobs.until_used(corpus.blob_id):
        return submitter.start(body.digest, measure, TicketAccepted.of)


@router.get(
    "/tickets", operation_id="list_tickets", dependencies=[READ], summary="List tickets", responses=refusals(422)
)
def list_tickets(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[TicketPublic]:
    """Your tickets and those shared with all, newest first."""
    with db.read() as session:
        page = tickets.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
    return page_of(page, lambda row: TicketPublic.of(row, tenant=caller.tenant))


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
    mask, gone = tickets.stream_mask(blobs, ticket), TicketNotFound(ticket.id)
    return await download(mask, SAFETENSORS, name=name, gone=gone, size=ticket.mask_bytes)


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


def _refuse_corpus(body: ParsedBody[TicketRequest]) -> None:
    """Refuse a file of text where there is a drift; the schema refuses text in the request itself."""
    if "corpus" in body.files:
        message = "belongs to the drift and must be absent when `drift` is given"
        raise InvalidRequest(f"corpus: {message}", fields=[FieldError("corpus", message)])
