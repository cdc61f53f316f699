"""Jobs, the workers that do them, and the events they report."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.schemas.scalars import A_JOB_ID, AN_ADAPTER_ID, Answer, Moment, PageQuery
from app.jobs.queue import KINDS
from app.jobs.subjects import Subject
from app.storage import models

JobKind = Literal["ticket", "adapter", "prediction", "language_delta"]
JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ResourceStatus = Literal["pending", "ready", "failed", "cancelled"]
UNTOLD = Subject()


class ProgressPublic(Answer):
    """How far a job has come."""

    phase: Annotated[str | None, Field(examples=["training"])]
    """What it is doing; null before it starts."""
    step: Annotated[int, Field(examples=[120])]
    """Steps done in this phase."""
    total: Annotated[int, Field(examples=[480])]
    """Steps in this phase; 0 while unknown."""
    eta_s: Annotated[float | None, Field(examples=[93.5])]
    """Estimated seconds to the end of the phase."""
    metrics: Annotated[dict[str, Any], Field(examples=[{"loss": 0.71}])]
    """The latest figures, the loss among them: of an adapter also `epoch`, `seed`, `train_loss`, `dev_loss` and
    `dev_accuracy` once an epoch has ended. Each epoch's are in the events."""


class JobFailure(Answer):
    """Why a job failed."""

    code: Annotated[str, Field(examples=["training_diverged"])]
    detail: Annotated[str, Field(examples=["the loss became NaN at step 31; try a smaller learning_rate"])]


class ResourceRef(Answer):
    """What a job makes."""

    kind: JobKind
    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    lang: Annotated[str | None, Field(examples=["sw"])] = None
    """Its language; null where it has none, and in answers that accept or cancel a job."""
    name: Annotated[str | None, Field(examples=["first try"])] = None
    """Its name, or the name of the file that is judged."""


class JobPublic(Answer):
    """One durable unit of work. Once accepted it is never lost; it is published at most once."""

    id: Annotated[str, Field(examples=[A_JOB_ID])]
    kind: JobKind
    status: JobStatus
    progress: ProgressPublic
    attempt: Annotated[int, Field(examples=[1])]
    """How often it has been started: a job whose machine dies is started again elsewhere."""
    waiting_for: Annotated[str | None, Field(examples=[None])] = None
    """Why a queued job is taken by nobody, if no worker that was heard lately can do it; null for every other."""
    error: Annotated[JobFailure | None, Field(examples=[None])]
    resource: ResourceRef
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None

    @classmethod
    def of(cls, row: models.JobRow, *, waiting_for: str | None = None, subject: Subject = UNTOLD) -> JobPublic:
        """Describe a stored job."""
        failed = row.error_code is not None
        return cls(
            id=row.id,
            kind=row.kind,
            status=row.status,
            progress=ProgressPublic(
                phase=row.phase, step=row.step, total=row.total, eta_s=row.eta_s, metrics=row.metrics or {}
            ),
            attempt=row.attempt,
            waiting_for=waiting_for,
            error=JobFailure(code=row.error_code or "", detail=row.error_detail or "") if failed else None,
            resource=ResourceRef(kind=row.resource_kind, id=row.resource_id, lang=subject.lang, name=subject.name),
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )


class Accepted(Answer):
    """The work is on its way; its job is durable from now on."""

    job: JobPublic


class JobQuery(PageQuery):
    """Which jobs to list."""

    status: JobStatus | None = None
    """Only those of this status."""
    kind: JobKind | None = None
    """Only those of this kind."""


class WorkerPublic(Answer):
    """A runner that was heard lately."""

    id: str
    host: Annotated[str, Field(examples=["gpu-3"])]
    device: Annotated[str, Field(examples=["cpu"])]
    job: Annotated[str | None, Field(examples=[A_JOB_ID])]
    """The job it is doing, if that is one of yours; null also while it is doing another tenant's."""
    kinds: list[JobKind] | None
    """Kinds of jobs it takes; of this, `backbone` and `code`, null if it is of a release that does not say so."""
    backbone: Annotated[str | None, Field(examples=["5f0c" * 16])]
    """Fingerprint of its backbone: it takes only jobs for that one. Empty while it is being prepared."""
    code: Annotated[str | None, Field(examples=["0.1.0+5f0c5f0c5f0c"])]
    """Its release and the hash of its program, as `GET /version` has them of the API."""
    last_seen: Moment

    @classmethod
    def of(cls, row: models.WorkerRow, *, own: Collection[str]) -> WorkerPublic:
        """Describe a stored worker to a tenant whose jobs are `own`."""
        job = row.job_id if row.job_id in own else None
        return cls(
            id=row.id,
            host=row.host,
            device=row.device,
            job=job,
            kinds=None if row.kinds is None else [kind for kind in KINDS if kind in row.kinds.split()],
            backbone=row.backbone,
            code=row.code,
            last_seen=row.last_seen,
        )
