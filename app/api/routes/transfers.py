"""Adapters between services: export one as a file, import such a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response, StreamingResponse

from app.api.dependencies import (
    AdapterDep,
    BackboneDep,
    BlobsDep,
    DatabaseDep,
    PredictorDep,
    SpoolDep,
    VocabularyDep,
)
from app.api.downloads import SAFETENSORS, disposition, downloads
from app.api.request_body import File, ParsedBody, RequestBody
from app.api.schemas.adapters import AdapterPublic, ImportRequest
from app.api.schemas.errors import refusals
from app.api.transfer import store_import, write_export
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.errors import AdapterNotFound, BlobNotFound, TicketNotFound
from app.http.middleware.standard_methods import is_head
from app.registry import aliases, starters

router = APIRouter(tags=["adapters"])

EXPORTED = File("max_artifact_mb", "What `GET /adapters/{id}/export` gave.", required=True, copies=2)
ImportDep = Annotated[
    ParsedBody[ImportRequest],
    Depends(RequestBody(ImportRequest, files={"file": EXPORTED}, json_body=False, optional=True)),
]


@router.get(
    "/adapters/{adapter_id}/export",
    operation_id="export_adapter",
    dependencies=[READ],
    summary="Export an adapter",
    response_class=FileResponse,
    responses={**downloads(SAFETENSORS, "One safetensors file"), **refusals(404, 409)},
)
async def export_adapter(
    request: Request, adapter: AdapterDep, blobs: BlobsDep, db: DatabaseDep, spool: SpoolDep
) -> Response:
    """One safetensors file with everything another service needs: delta, prompt or head, metadata, and the mask."""
    headers = {"Content-Disposition": disposition(f"{adapter.lang}-{adapter.version}.safetensors")}
    if is_head(request) and adapter.status == "ready":
        return StreamingResponse(iter(()), media_type=SAFETENSORS, headers=headers)  # its size is known once it is made
    try:
        export = await run_in_threadpool(write_export, db, blobs, adapter, spool=spool)
    except (BlobNotFound, TicketNotFound) as error:  # deleted since the request was let in
        raise AdapterNotFound(adapter.id) from error
    cleanup = BackgroundTask(export.folder.close)
    return FileResponse(export.path, media_type=SAFETENSORS, headers=headers, background=cleanup)


@router.post(
    "/adapters/import",
    status_code=201,
    operation_id="import_adapter",
    dependencies=[TRAIN],
    summary="Import an adapter",
    responses=refusals(409, 413, 415, 422),
)
def import_adapter(
    body: ImportDep,
    db: DatabaseDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    vocabulary: VocabularyDep,
    predictor: PredictorDep,
    caller: CallerDep,
) -> AdapterPublic:
    """Verify and register an exported adapter. Its ticket is found by the mask's hash, or created.

    Before it is stored it answers two pairs: one whose answers are not finite numbers is refused."""
    adapter = store_import(
        db,
        blobs,
        body.files["file"].path,
        tenant=caller.tenant,
        backbone=backbone,
        vocabulary=vocabulary,
        request=body.request,
        try_out=predictor.try_out,
    )
    with db.read() as session:
        named = aliases.aliases_of(session, [adapter.id])[adapter.id]
        starter = starters.there_is_one(session, backbone=predictor.backbone.starter_of)
    return AdapterPublic.of(adapter, named, starter=starter)
