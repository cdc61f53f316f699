"""Tickets that all tenants may use: share one, or end that."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.api.dependencies import DatabaseDep, TicketDep
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.tickets import Sharing, TicketPublic
from app.auth.caller import ADMIN as ADMIN_ACTOR
from app.auth.caller import LOCAL, CallerDep
from app.auth.scopes import ADMIN
from app.errors import Forbidden
from app.registry import tickets

router = APIRouter(tags=["tickets"])

SharingDep = Annotated[ParsedBody[Sharing], Depends(RequestBody(Sharing))]


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
        row = tickets.set_shared(session, tenant=caller.tenant, ticket_id=ticket.id, shared=body.request.shared)
    return TicketPublic.of(row, tenant=caller.tenant)
