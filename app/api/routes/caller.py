"""Who is asking."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.schemas.caller import CallerPublic
from app.api.schemas.errors import refusals
from app.auth.caller import CallerDep
from app.auth.scopes import ANY

router = APIRouter(tags=["keys"])


@router.get("/caller", operation_id="get_caller", dependencies=[ANY], summary="Who am I?", responses=refusals())
async def get_caller(caller: CallerDep) -> CallerPublic:
    """Your tenant, and what your key may do; whether a key is needed at all. It asks the database nothing more than
    whether the key is valid."""
    return CallerPublic.of(caller)
