"""Adapters composed of others: ticket arithmetic."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.api.composition import compose
from app.api.dependencies import BackboneDep, BlobsDep, DatabaseDep, PredictorDep, SpoolDep
from app.api.request_body import ParsedBody, RequestBody
from app.api.schemas.adapters import AdapterPublic
from app.api.schemas.composition import CompositionRequest
from app.api.schemas.errors import refusals
from app.auth.caller import CallerDep
from app.auth.scopes import TRAIN
from app.errors import AdapterNotFound, BlobNotFound
from app.registry import aliases

router = APIRouter(tags=["adapters"])

RequestDep = Annotated[ParsedBody[CompositionRequest], Depends(RequestBody(CompositionRequest))]


@router.post(
    "/adapters/compose",
    status_code=201,
    operation_id="compose_adapter",
    dependencies=[TRAIN],
    summary="Compose an adapter of others",
    responses=refusals(404, 409, 413, 415, 422, 429),
)
def compose_adapter(
    body: RequestDep,
    db: DatabaseDep,
    blobs: BlobsDep,
    backbone: BackboneDep,
    predictor: PredictorDep,
    spool: SpoolDep,
    caller: CallerDep,
) -> AdapterPublic:
    """Values of adapters, and of languages' own texts, on one ticket, multiplied by weights and added up: a mean of
    two, say, or one less another; prompts are averaged by the adapters' weights. It is an adapter like any other,
    without scores; `training.terms` says what it was made of."""
    with spool.folder(caller.tenant) as folder:
        try:
            adapter = compose(
                db,
                blobs,
                body.request,
                tenant=caller.tenant,
                backbone=backbone,
                starter_of=predictor.backbone.starter_of,
                folder=folder,
                try_out=predictor.try_out,
            )
        except BlobNotFound as error:  # deleted since it was looked up
            raise AdapterNotFound("of one of the terms") from error
    with db.read() as session:
        return AdapterPublic.of(adapter, aliases.aliases_of(session, [adapter.id])[adapter.id])
