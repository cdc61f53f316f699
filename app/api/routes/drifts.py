"""Drifts: the MLM runs tickets are selected from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import DatabaseDep, DriftDep
from app.api.pages import page_of
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page, PageQuery
from app.api.schemas.ticket_preview import PreviewQuery, TicketPreviewPublic
from app.api.schemas.tickets import DriftPublic
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.errors import FieldError, InvalidRequest
from app.registry import drifts
from app.registry.ticket_preview import of_drift
from ltp.errors import InvalidConfig

router = APIRouter(tags=["drifts"])


@router.get("/drifts", operation_id="list_drifts", dependencies=[READ], summary="List drifts", responses=refusals(422))
def list_drifts(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[DriftPublic]:
    """Your MLM runs, newest first, each with the tickets made from it."""
    with db.read() as session:
        page = drifts.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
        return page_of(page, lambda row: DriftPublic.of(row, drifts.tickets_of(session, row.id)))


@router.get(
    "/drifts/{drift_id}",
    operation_id="get_drift",
    dependencies=[READ],
    summary="Look at a drift",
    responses=refusals(404),
)
def get_drift(drift: DriftDep, db: DatabaseDep) -> DriftPublic:
    """Losses, steps, the corpus's hash, what moved."""
    with db.read() as session:
        return DriftPublic.of(drift, drifts.tickets_of(session, drift.id))


@router.get(
    "/drifts/{drift_id}/preview",
    operation_id="preview_ticket",
    dependencies=[READ],
    summary="What would a ticket cost?",
    responses=refusals(404, 409, 422),
)
def preview_ticket(drift: DriftDep, query: Annotated[PreviewQuery, Query()]) -> TicketPreviewPublic:
    """Active parameters, layer by layer, and bytes of a ticket that is not made. The counts of the whole are exact;
    those of layers are told from how large the drift's values are in each, which it keeps.

    409 for a drift that is not ready, and for part of the layers of one that a release before measured."""
    try:
        return TicketPreviewPublic.of(of_drift(drift, query.selection()))
    except InvalidConfig as error:
        raise InvalidRequest(str(error), fields=[FieldError("layers", str(error))]) from error


@router.delete(
    "/drifts/{drift_id}",
    status_code=204,
    operation_id="delete_drift",
    dependencies=[TRAIN],
    summary="Delete a drift",
    responses=refusals(404, 409),
)
def delete_drift(drift: DriftDep, db: DatabaseDep, caller: CallerDep) -> None:
    """The corpus uploaded for it is erased; its tickets stay. 409 while an unfinished ticket needs it."""
    with db.write() as session:
        drifts.delete_drift(session, tenant=caller.tenant, drift_id=drift.id)
