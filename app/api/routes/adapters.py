"""Adapters: train one, look at it, take it elsewhere, bring one in, delete it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from app.api.dependencies import AdapterDep, BackboneDep, BlobsDep, DatabaseDep, PredictorDep, SettingsDep
from app.api.downloads import SAFETENSORS, downloads
from app.api.idempotency import StarterDep
from app.api.ingest import stage_examples
from app.api.request_body import Accepts, File, Submission
from app.api.schemas.adapters import AdapterAccepted, AdapterPublic, AdapterQuery, AdapterRequest, ImportRequest
from app.api.schemas.errors import refusals
from app.api.schemas.scalars import Page
from app.api.transfer import bring_in, pack
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.inference.adapter_source import AdapterKey
from app.registry import adapters, aliases
from app.registry.submissions import check_training, submit_adapter

router = APIRouter(tags=["adapters"])

EXAMPLES = "JSONL, CSV or TSV with premise, hypothesis and label in each row"
FILES = {
    "examples": File("max_body_mb", f"{EXAMPLES}: what to train on."),
    "dev_examples": File("max_body_mb", f"{EXAMPLES}: what to choose the best epoch on."),
    "test_examples": File("max_body_mb", f"{EXAMPLES}: scored once, at the end."),
}
EXPORTED = File("max_artifact_mb", "What `GET /adapters/{id}/export` gave.", required=True)

RequestDep = Annotated[Submission[AdapterRequest], Depends(Accepts(AdapterRequest, files=FILES))]
ImportDep = Annotated[
    Submission[ImportRequest], Depends(Accepts(ImportRequest, files={"file": EXPORTED}, json_body=False, optional=True))
]


@router.post(
    "/adapters",
    status_code=202,
    response_model=AdapterAccepted,
    operation_id="create_adapter",
    dependencies=[TRAIN],
    summary="Train an adapter",
    responses=refusals(404, 409, 413, 415, 422),
)
def create_adapter(
    body: RequestDep,
    starter: StarterDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """A soft prompt and the ticket's parameters, on a page of labelled pairs of one language.

    With another `method`, what LTP is compared to: then there is no ticket.

    The pairs come in the request, or as files in a multipart body whose part `request` is the JSON.
    """
    if (answer := starter.replay(body.digest)) is not None:
        return answer
    request, longest = body.request, settings.max_characters
    check_training(request.training, method=request.method, ticket=request.ticket, backbone=backbone)
    examples = stage_examples(blobs, tenant=caller.tenant, request=request, files=body.files, longest=longest)
    submit = partial(
        submit_adapter,
        tenant=caller.tenant,
        backbone=backbone,
        lang=request.lang,
        method=request.method,
        ticket=request.ticket,
        training=request.training,
        seeds=request.seeds,
        name=request.name,
        alias=request.alias,
        examples=examples,
    )
    return starter.start(body.digest, submit, AdapterAccepted.of)


@router.get(
    "/adapters", operation_id="list_adapters", dependencies=[READ], summary="List adapters", responses=refusals(422)
)
def list_adapters(query: Annotated[AdapterQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[AdapterPublic]:
    """Your adapters, newest first; of one language, or under one alias."""
    with db.read() as session:
        page = adapters.list_page(session, tenant=caller.tenant, **query.model_dump())
        named = aliases.aliases_of(session, [row.id for row in page.items])
    return Page(items=[AdapterPublic.of(row, named[row.id]) for row in page.items], next_cursor=page.next_cursor)


@router.get(
    "/adapters/{adapter_id}",
    operation_id="get_adapter",
    dependencies=[READ],
    summary="Look at an adapter",
    responses=refusals(404),
)
def get_adapter(adapter: AdapterDep, db: DatabaseDep) -> AdapterPublic:
    """Its scores, what it was trained on and with, and the aliases that point at it."""
    with db.read() as session:
        return _shown(session, adapter.id, tenant=adapter.tenant)


@router.get(
    "/adapters/{adapter_id}/export",
    operation_id="export_adapter",
    dependencies=[READ],
    summary="Export an adapter",
    response_class=FileResponse,
    responses={**downloads(SAFETENSORS, "One safetensors file"), **refusals(404, 409)},
)
async def export_adapter(adapter: AdapterDep, blobs: BlobsDep, db: DatabaseDep, settings: SettingsDep) -> FileResponse:
    """One safetensors file with everything another service needs: delta, prompt or head, metadata, and the mask."""
    packed = await run_in_threadpool(pack, db, blobs, adapter, spool=settings.spool)
    name = f"{adapter.lang}-{adapter.version}.safetensors"
    cleanup = BackgroundTask(packed.folder.cleanup)
    return FileResponse(packed.path, media_type=SAFETENSORS, filename=name, background=cleanup)


@router.post(
    "/adapters/import",
    status_code=201,
    operation_id="import_adapter",
    dependencies=[TRAIN],
    summary="Import an adapter",
    responses=refusals(409, 413, 415, 422),
)
def import_adapter(
    body: ImportDep, db: DatabaseDep, blobs: BlobsDep, backbone: BackboneDep, caller: CallerDep
) -> AdapterPublic:
    """Verify and register an exported adapter. Its ticket is found by the mask's hash, or created."""
    adapter = bring_in(db, blobs, body.files["file"].path, tenant=caller.tenant, backbone=backbone, wanted=body.request)
    with db.read() as session:
        return _shown(session, adapter.id, tenant=caller.tenant)


@router.delete(
    "/adapters/{adapter_id}",
    status_code=204,
    operation_id="delete_adapter",
    dependencies=[TRAIN],
    summary="Delete an adapter",
    responses=refusals(404, 409),
)
def delete_adapter(adapter: AdapterDep, db: DatabaseDep, predictor: PredictorDep, caller: CallerDep) -> None:
    """Erases the texts uploaded for it, too. 409 while an alias points at it."""
    with db.write() as session:
        adapters.delete_adapter(session, tenant=caller.tenant, adapter_id=adapter.id)
    predictor.drop(AdapterKey(caller.tenant, adapter.id))


def _shown(session: Session, adapter_id: str, *, tenant: str) -> AdapterPublic:
    row = adapters.get(session, tenant=tenant, adapter_id=adapter_id)
    return AdapterPublic.of(row, aliases.aliases_of(session, [row.id])[row.id])
