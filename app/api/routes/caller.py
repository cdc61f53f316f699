"""Who is asking, and how much they have and may have."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.dependencies import DatabaseDep, QuotaDep, SettingsDep
from app.api.schemas.caller import CallerPublic, QuotaPublic
from app.api.schemas.errors import refusals
from app.auth import key_store
from app.auth.caller import CallerDep
from app.auth.scopes import ANY, FOLLOW
from app.storage.quotas import unfinished_jobs

router = APIRouter(tags=["keys"])


@router.get("/caller", operation_id="get_caller", dependencies=[ANY], summary="Who am I?", responses=refusals())
async def get_caller(caller: CallerDep) -> CallerPublic:
    """Your tenant, and what your key may do; whether a key is needed at all. It asks the database nothing more than
    whether the key is valid."""
    return CallerPublic.of(caller)


@router.get("/quota", operation_id="get_quota", dependencies=[FOLLOW], summary="How much may I?", responses=refusals())
def get_quota(caller: CallerDep, db: DatabaseDep, quota: QuotaDep, settings: SettingsDep) -> QuotaPublic:
    """What your tenant keeps and has at work, and the most of each. Beyond it, uploads and jobs are refused: 409
    `quota_exceeded`, 429 `too_many_jobs`."""
    with db.read() as session:
        return QuotaPublic(
            stored_bytes=quota.most - quota.left(session, caller.tenant),
            most_stored_bytes=quota.most,
            unfinished_jobs=unfinished_jobs(session, caller.tenant),
            most_unfinished_jobs=settings.max_queued_jobs,
            keys=key_store.count_keys(session, caller.tenant),
            most_keys=settings.max_keys,
        )
