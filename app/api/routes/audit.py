"""The audit trail: who changed what, when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import DatabaseDep
from app.api.pages import page_of
from app.api.schemas.audit import AuditEventPublic
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page, PageQuery
from app.auth.caller import CallerDep
from app.auth.scopes import ADMIN
from app.storage import audit

router = APIRouter(tags=["audit"], dependencies=[ADMIN])


@router.get("/audit", operation_id="list_audit_events", summary="List changes", responses=refusals(422))
def list_audit_events(
    query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep
) -> Page[AuditEventPublic]:
    """What your tenant's keys and jobs changed, newest first. Reading, predicting and refused requests leave nothing.

    An event names what it is about and holds no text and no secret. It stays when that is deleted.
    """
    with db.read() as session:
        page = audit.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
    return page_of(page, AuditEventPublic.of)
