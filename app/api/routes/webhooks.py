"""Webhooks: make one, see them and what was sent to them, delete one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from app.api.dependencies import DatabaseDep, SettingsDep, checked_id
from app.api.pages import page_of
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page, PageQuery
from app.api.schemas.webhooks import A_WEBHOOK_ID, DeliveryPublic, WebhookCreated, WebhookPublic, WebhookRequest
from app.auth.caller import CallerDep
from app.auth.scopes import ADMIN
from app.errors import FieldError, InvalidRequest, WebhookNotFound
from app.jobs import webhooks
from app.jobs.webhook_hosts import HostNotAllowed, check
from app.storage.models import WebhookRow

router = APIRouter(tags=["webhooks"], dependencies=[ADMIN])

RequestDep = Annotated[ParsedBody[WebhookRequest], Depends(RequestBody(WebhookRequest))]
WebhookId = Annotated[
    str, Path(description="Id of the webhook.", examples=[A_WEBHOOK_ID], json_schema_extra={"format": "uuid"})
]


def _webhook(webhook_id: WebhookId, db: DatabaseDep, caller: CallerDep) -> WebhookRow:
    with db.read() as session:
        identifier = checked_id(webhook_id, WebhookNotFound)
        return webhooks.get(session, tenant=caller.tenant, webhook_id=identifier)


WebhookDep = Annotated[WebhookRow, Depends(_webhook)]


@router.post(
    "/webhooks",
    status_code=201,
    operation_id="create_webhook",
    summary="Be told of finished jobs",
    responses=refusals(409, 413, 415, 422),
)
def create_webhook(body: RequestDep, db: DatabaseDep, settings: SettingsDep, caller: CallerDep) -> WebhookCreated:
    """From now on the end of each job of your tenant is posted to `url`: ids, kind, status, times, never a text.

    The answer shows the secret, this once, with which messages are signed (`webhook-id`, `webhook-timestamp`,
    `webhook-signature`, as Standard Webhooks has it). A message is sent at least once, and up to eight times within a
    day until it is answered with 2xx. Refused with 422 unless the setting LTP_WEBHOOK_HOSTS allows the host.
    """
    request = body.request
    try:
        check(request.url, settings)
    except HostNotAllowed as error:
        raise InvalidRequest(f"url: {error}", fields=[FieldError("url", str(error))]) from error
    with db.write() as session:
        row = webhooks.create(
            session, tenant=caller.tenant, url=request.url, events=request.events, most=settings.max_webhooks
        )
    return WebhookCreated(**WebhookPublic.of(row).model_dump(), secret=row.secret)


@router.get("/webhooks", operation_id="list_webhooks", summary="List webhooks", responses=refusals(422))
def list_webhooks(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[WebhookPublic]:
    """Your tenant's webhooks, newest first, without their secrets."""
    with db.read() as session:
        page = webhooks.list_page(session, tenant=caller.tenant, limit=query.limit, cursor=query.cursor)
    return page_of(page, WebhookPublic.of)


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    operation_id="list_deliveries",
    summary="List what was sent to a webhook",
    responses=refusals(404, 422),
)
def list_deliveries(webhook: WebhookDep, query: Annotated[PageQuery, Query()], db: DatabaseDep) -> Page[DeliveryPublic]:
    """Messages of the last seven days, newest first, with whether they have arrived and why not."""
    with db.read() as session:
        page = webhooks.deliveries(
            session, tenant=webhook.tenant, webhook_id=webhook.id, limit=query.limit, cursor=query.cursor
        )
    return page_of(page, DeliveryPublic.of)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    operation_id="delete_webhook",
    summary="Delete a webhook",
    responses=refusals(404, 422),
)
def delete_webhook(webhook: WebhookDep, db: DatabaseDep) -> None:
    """Nothing is sent to it any more, what waits to be sent neither."""
    with db.write() as session:
        webhooks.remove(session, tenant=webhook.tenant, webhook_id=webhook.id)
