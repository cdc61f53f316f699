"""Adapters between services: export one as a file, import such a file."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
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
from app.api.exports import export_folder
from app.api.request_body import File, ParsedBody, RequestBody
from app.api.schemas.adapters import AdapterPublic, ImportRequest
from app.api.schemas.errors import refusals
from app.api.schemas.exports import ONE_FILE, ExportQuery
from app.api.transfer import store_import, write_export
from app.api.zipped import ZIP
from app.auth.caller import CallerDep
from app.auth.scopes import READ, TRAIN
from app.errors import AdapterNotFound, BlobNotFound, TicketNotFound
from app.http.middleware.standard_methods import is_head
from app.inference.predictor import Predictor
from app.registry import aliases, starters
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import AdapterRow
from app.storage.spool import Spool

router = APIRouter(tags=["adapters"])

EXPORTS = downloads(SAFETENSORS, "One safetensors file; with `format` `hf` or `onnx`, a zip archive")
EXPORTS[200]["content"][ZIP] = {"schema": {"type": "string", "format": "binary"}}
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
    responses={**EXPORTS, **refusals(404, 409, 422)},
)
async def export_adapter(
    request: Request,
    query: Annotated[ExportQuery, Query()],
    adapter: AdapterDep,
    blobs: BlobsDep,
    db: DatabaseDep,
    spool: SpoolDep,
    predictor: PredictorDep,
) -> Response:
    """One safetensors file with everything another service needs: delta, prompt or head, metadata, and the mask.

    Or, with `format`, the adapter and its backbone as one model that runs without LTP, with a tokenizer, a model card
    and an example, in a zip archive. That takes from some seconds to minutes before the first byte.
    """
    if query.format != ONE_FILE:
        return await _whole_model(request, query, adapter, blobs, db, spool, predictor)
    headers = {"Content-Disposition": disposition(f"{adapter.lang}-{adapter.version}.safetensors")}
    if is_head(request) and adapter.status == "ready":
        return StreamingResponse(iter(()), media_type=SAFETENSORS, headers=headers)  # its size is known once it is made
    try:
        export = await run_in_threadpool(write_export, db, blobs, adapter, spool=spool)
    except (BlobNotFound, TicketNotFound) as error:  # deleted since the request was let in
        raise AdapterNotFound(adapter.id) from error
    cleanup = BackgroundTask(export.folder.close)
    return FileResponse(export.path, media_type=SAFETENSORS, headers=headers, background=cleanup)


async def _whole_model(
    request: Request,
    query: ExportQuery,
    adapter: AdapterRow,
    blobs: BlobStore,
    db: Database,
    spool: Spool,
    predictor: Predictor,
) -> Response:
    assert query.format != ONE_FILE  # noqa: S101  the caller hands that out itself
    name = f"{adapter.lang}-{adapter.version}-{query.format}{'-int8' if query.int8 else ''}"
    headers = {"Content-Disposition": disposition(f"{name}.zip")}
    if is_head(request) and adapter.status == "ready":
        return StreamingResponse(iter(()), media_type=ZIP, headers=headers)
    made = partial(export_folder, spool=spool, backbone=predictor.backbone.info, form=query.format, int8=query.int8)
    try:
        export = await run_in_threadpool(made, db, blobs, adapter)
    except (BlobNotFound, TicketNotFound) as error:
        raise AdapterNotFound(adapter.id) from error
    return StreamingResponse(export.zipped(name=name), media_type=ZIP, headers=headers)


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
