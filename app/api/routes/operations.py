"""For those who run the service: health, readiness, figures, version, and the backbone it serves."""

from __future__ import annotations

import platform
from dataclasses import fields

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.api.dependencies import BackboneDep, HealthDep, MetricsDep, PredictorDep, StoreHealthDep
from app.api.schemas.errors import refusals
from app.api.schemas.operations import BackbonePublic, Health, Readiness, Version
from app.auth.caller import CallerDep
from app.auth.scopes import FIGURES, READ
from app.errors import NotReady
from ltp.release import release
from ltp.reproduce.run.identity import arithmetic, code_version

router = APIRouter(tags=["operations"])

DRAINING_RETRY_S = 10
DATABASE_RETRY_S = 5


@router.get("/healthz", operation_id="healthz", summary="Is the process alive?", responses=refusals())
async def healthz() -> Health:
    """Answers as long as the process does; touches nothing else."""
    return Health()


@router.get("/readyz", operation_id="readyz", summary="Can predictions be served?", responses=refusals())
async def readyz(predictor: PredictorDep, health: HealthDep, store: StoreHealthDep) -> Readiness:
    """503 while the backbone is being loaded, if that failed, while the process is about to stop, and while something
    is wrong with the database or the blob store that must be put right, a schema that is too old say. It says why.

    A database that is away or read-only for a while is told in `database`, a store that is in `blob_store`: predictions
    go on.
    """
    if predictor.draining:
        raise NotReady("the service is shutting down", retry_after=DRAINING_RETRY_S)
    if not predictor.ready:
        raise predictor.backbone.not_ready()
    database = await health.condition()
    if not database.usable:
        raise NotReady(str(database.sentence), retry_after=DATABASE_RETRY_S)
    wrong, usable = await store.condition()
    if not usable:
        raise NotReady(str(wrong), retry_after=DATABASE_RETRY_S)
    return Readiness(backbone=predictor.backbone.info.name, database=database.sentence, blob_store=wrong)


@router.get("/version", operation_id="version", summary="What runs here?", responses=refusals())
def get_version() -> Version:
    """Versions of the service, its API and Python, and of the code and packages that its figures depend on."""
    known = {"version": release(), "api": "v1", "python": platform.python_version()}
    return Version(**known, code=code_version(), packages=arithmetic())


@router.get(
    "/backbone",
    operation_id="get_backbone",
    dependencies=[READ],
    summary="Which backbone is served?",
    responses=refusals(),
)
def get_backbone(backbone: BackboneDep, predictor: PredictorDep, caller: CallerDep) -> BackbonePublic:  # noqa: ARG001
    """Its name, fingerprint and sizes, and the arithmetic it is served in. 503 until it has been found."""
    known = {
        field.name: getattr(backbone, field.name)
        for field in fields(backbone)
        if field.name in BackbonePublic.model_fields
    }
    precision, reason = predictor.backbone.precision or (None, None)
    return BackbonePublic(**known, precision=precision, precision_reason=reason, state=predictor.backbone.state)


@router.get(
    "/metrics",
    operation_id="metrics",
    dependencies=[FIGURES],
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format."},
        **refusals(),
    },
)
def metrics(registry: MetricsDep, caller: CallerDep) -> Response:  # noqa: ARG001
    """Durations, queues, jobs and the engine's residency. No label names a tenant.

    While the database does not answer, `ltp_database_up` is 0 and only what this process knows is given.
    """
    return Response(registry.render(), media_type=CONTENT_TYPE_LATEST)
