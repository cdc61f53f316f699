"""Keys: make one, see them, revoke one."""

from __future__ import annotations

from typing import Annotated

from anyio import from_thread
from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy.orm import Session

from app.api.dependencies import DatabaseDep, SettingsDep, checked_id
from app.api.pages import page_of
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.keys import A_KEY_ID, KeyCreated, KeyPublic, KeyRequest
from app.api.schemas.scalars import Page, PageQuery
from app.auth import key_store
from app.auth.caller import ADMIN, Caller, CallerDep
from app.auth.key_cache import KeyCache
from app.auth.scopes import ADMIN as NEEDS_ADMIN
from app.errors import FieldError, Forbidden, InvalidRequest, KeyNotFound
from app.storage.models import ApiKeyRow
from app.storage.table import now

router = APIRouter(tags=["keys"], dependencies=[NEEDS_ADMIN])

RequestDep = Annotated[ParsedBody[KeyRequest], Depends(RequestBody(KeyRequest))]
KeyId = Annotated[str, Path(description="Id of the key.", examples=[A_KEY_ID], json_schema_extra={"format": "uuid"})]


WithMade = Annotated[bool, Query(description="Revoke also the keys that it made, and that they made.")]


def _managed_tenant(caller: Caller) -> str | None:
    """Return the tenant whose keys the caller manages; None for ADMIN_KEY, which manages every tenant's."""
    return None if caller.actor == ADMIN else caller.tenant


def _key(key_id: KeyId, db: DatabaseDep, caller: CallerDep) -> ApiKeyRow:
    with db.read() as session:
        return key_store.get(session, tenant=_managed_tenant(caller), key_id=checked_id(key_id, KeyNotFound))


KeyDep = Annotated[ApiKeyRow, Depends(_key)]


@router.post(
    "/keys", status_code=201, operation_id="create_key", summary="Make a key", responses=refusals(409, 413, 415, 422)
)
def create_key(body: RequestDep, db: DatabaseDep, settings: SettingsDep, caller: CallerDep) -> KeyCreated:
    """The answer shows the secret, this once; only its SHA-256 is kept.

    A key with scope `admin` makes keys of its own tenant, with scopes it has itself. ADMIN_KEY makes keys of any
    tenant, and so creates tenants. A tenant has `MAX_KEYS` at most; each says which key made it.
    """
    request = body.request
    _check_rights(request, caller)
    tenant = request.tenant or caller.tenant
    with db.of(tenant).write() as session:
        _check_expiry(session, request)
        if caller.actor == ADMIN:
            key_store.add_tenant(session, tenant)
        row, secret = key_store.create(
            session,
            tenant=tenant,
            name=request.name,
            scopes=request.scopes,
            most=settings.max_keys,
            expires_at=request.expires_at,
            made_by=caller.key_id,
        )
    return KeyCreated(**KeyPublic.of(row).model_dump(), secret=secret)


@router.get("/keys", operation_id="list_keys", summary="List keys", responses=refusals(422))
def list_keys(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[KeyPublic]:
    """Your tenant's keys, newest first, without those that were revoked. ADMIN_KEY sees every tenant's."""
    with db.read() as session:
        page = key_store.list_page(session, tenant=_managed_tenant(caller), limit=query.limit, cursor=query.cursor)
    return page_of(page, KeyPublic.of)


@router.delete(
    "/keys/{key_id}", status_code=204, operation_id="revoke_key", summary="Revoke a key", responses=refusals(404, 422)
)
def revoke_key(key: KeyDep, db: DatabaseDep, request: Request, *, with_made: WithMade = False) -> None:
    """It is refused at once by the process that answers, and for `admin` everywhere; else within 30 seconds.

    `with_made` revokes along the keys that it made, those that they made, and so on.
    """
    with db.of(key.tenant).write() as session:
        revoked = key_store.revoke(session, key.id, with_made=with_made)
    keys: KeyCache = request.app.state.keys
    from_thread.run_sync(keys.forget, revoked)  # the cache belongs to the event loop, and this runs in a thread


def _check_rights(asked: KeyRequest, caller: Caller) -> None:
    """Raise Forbidden for a key that could do more, or for longer, than the caller's."""
    if asked.tenant not in (None, caller.tenant) and caller.actor != ADMIN:
        raise Forbidden(f"only ADMIN_KEY makes keys of another tenant; yours is {caller.tenant!r}, leave `tenant` out")
    if missing := sorted(set(asked.scopes) - caller.scopes):
        raise Forbidden(f"your key does not have the scope {' and '.join(missing)}, and cannot hand it out")
    if caller.expires_at is not None and (asked.expires_at is None or asked.expires_at > caller.expires_at):
        ends = caller.expires_at.isoformat(timespec="seconds")
        raise Forbidden(f"your key ends at {ends}; give the new one an `expires_at` that is no later")


def _check_expiry(session: Session, asked: KeyRequest) -> None:
    if asked.expires_at is not None and asked.expires_at <= now(session):
        message = "must be in the future"
        raise InvalidRequest(f"expires_at: {message}", fields=[FieldError("expires_at", message)])
