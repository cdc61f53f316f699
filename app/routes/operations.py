"""For those who run the service: health, readiness, figures, version, and the backbone it serves."""

from __future__ import annotations

import platform
from dataclasses import fields
from importlib.metadata import version

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.auth import CallerDep
from app.db import now
from app.deps import BackboneDep, DatabaseDep, MeasuresDep, PredictorDep
from app.errors import NotReady
from app.measures import Measures
from app.models import Job, Worker
from app.schemas.errors import refusals
from app.schemas.operations import Backbone, Health, Readiness, Version

router = APIRouter(tags=["operations"])

DRAINING_RETRY_S = 10


@router.get("/healthz", operation_id="healthz", summary="Is the process alive?", responses=refusals())
async def healthz() -> Health:
    """Answers as long as the process does; touches nothing else."""
    return Health()


@router.get("/readyz", operation_id="readyz", summary="Can predictions be served?", responses=refusals())
async def readyz(predictor: PredictorDep) -> Readiness:
    """503 while the backbone is being loaded, if that failed (it says why), and while the process is about to stop."""
    if predictor.draining:
        raise NotReady("the service is shutting down", retry_after=DRAINING_RETRY_S)
    if not predictor.ready:
        raise predictor.backbone.not_ready()
    return Readiness(backbone=predictor.backbone.info.name)


@router.get("/version", operation_id="version", summary="What runs here?", responses=refusals())
async def get_version() -> Version:
    """Versions of the service, its API and Python."""
    return Version(version=version("ltp"), api="v1", python=platform.python_version())


@router.get("/backbone", operation_id="get_backbone", summary="Which backbone is served?", responses=refusals())
def get_backbone(backbone: BackboneDep, predictor: PredictorDep, caller: CallerDep) -> Backbone:  # noqa: ARG001
    """Its name, fingerprint and sizes. 503 until it has been found."""
    known = {
        field.name: getattr(backbone, field.name) for field in fields(backbone) if field.name in Backbone.model_fields
    }
    return Backbone(**known, state=predictor.backbone.state)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format."},
        **refusals(),
    },
)
def metrics(db: DatabaseDep, measures: MeasuresDep, predictor: PredictorDep, caller: CallerDep) -> Response:  # noqa: ARG001
    """Durations, queues, jobs and the engine's residency. No label names a tenant."""
    for figure, value in predictor.figures().items():
        measures.engine.labels(figure).set(value)
    with db.read() as session:
        _measure_jobs(session, measures)
    return Response(measures.render(), media_type=CONTENT_TYPE_LATEST)


def _measure_jobs(session: Session, measures: Measures) -> None:
    measures.jobs.clear()
    unfinished = select(Job.kind, Job.status, func.count()).where(Job.status.in_(("queued", "running")))
    for kind, status, count in session.execute(unfinished.group_by(Job.kind, Job.status)):
        measures.jobs.labels(kind, status).set(count)
    oldest = session.scalar(select(func.min(Job.created_at)).where(Job.status == "queued"))
    measures.oldest_job.set(0 if oldest is None else (now(session) - oldest).total_seconds())
    measures.workers.set(session.scalar(select(func.count()).select_from(Worker)) or 0)
