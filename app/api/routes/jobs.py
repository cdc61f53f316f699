"""Jobs: follow them, watch their progress as it happens, cancel them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app import jobs
from app.api.dependencies import DatabaseDep, JobDep, PredictorDep, SettingsDep
from app.api.job_watchers import POLL_S, JobWatchers, events_after, number
from app.api.pages import page_of
from app.api.schemas.errors import refusals
from app.api.schemas.jobs import UNTOLD, JobPublic, JobQuery, WorkerPublic
from app.api.schemas.scalars import Page, PageQuery
from app.auth.caller import LOCAL, CallerDep, still_valid
from app.auth.scopes import FOLLOW, READ, TRAIN
from app.auth.stream_shares import StreamShares
from app.http.middleware.standard_methods import is_head
from app.inference.predictor import Predictor
from app.jobs.subjects import subjects
from app.settings import Settings
from app.storage.database import Database
from app.storage.models import JobRow

router = APIRouter(tags=["jobs"])

CHECK_S = 2
"""How often a silent stream looks whether its key is still valid."""
COMMENT_S = 15
"""A comment so often keeps proxies from closing a silent stream."""

EVENTS = (
    "event: progress\nid: 7\n"
    'data: {"attempt": 1, "phase": "training", "step": 120, "total": 480, "eta_s": 93.5, "metrics": {"loss": 0.71}, '
    '"epochs": [{"seed": 0, "epoch": 4, "train_loss": 0.74, "dev_loss": 0.93, "dev_accuracy": 0.58}]}\n\n'
    'event: done\nid: 8\ndata: {"attempt": 1, "status": "succeeded", "error": null}\n'
)

LastEventId = Annotated[
    int,
    Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="Resume after this event; browsers send it again."),
]


async def _share(request: Request, caller: CallerDep) -> AsyncIterator[None]:
    """Hold a share of the streams until the answer is sent. Raises TooManyStreams."""
    shares: StreamShares = request.app.state.stream_shares
    key = None if caller.actor == LOCAL else caller.actor
    with (
        nullcontext()
        if is_head(request)
        else shares.hold(key=key, address=request.client.host if request.client else None)
    ):
        yield


@router.get("/jobs", operation_id="list_jobs", dependencies=[FOLLOW], summary="List jobs", responses=refusals(422))
def list_jobs(
    query: Annotated[JobQuery, Query()], db: DatabaseDep, settings: SettingsDep, caller: CallerDep
) -> Page[JobPublic]:
    """Your jobs, newest first."""
    with db.read() as session:
        page = jobs.list_jobs(session, tenant=caller.tenant, **query.model_dump())
        describe = _describer(session, page.items, settings)
    return page_of(page, describe)


@router.get(
    "/jobs/{job_id}", operation_id="get_job", dependencies=[FOLLOW], summary="Look at a job", responses=refusals(404)
)
def get_job(job: JobDep, db: DatabaseDep, settings: SettingsDep) -> JobPublic:
    """One job with its progress; while it is queued, what it waits for if no worker can take it."""
    with db.read() as session:
        return _describer(session, [job], settings)(job)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    operation_id="cancel_job",
    dependencies=[TRAIN],
    summary="Cancel a job",
    responses=refusals(404, 409),
)
def cancel_job(job: JobDep, db: DatabaseDep, caller: CallerDep) -> JobPublic:
    """A queued job is cancelled at once; a running one stops at its next heartbeat. A finished one: 409."""
    with db.write() as session:
        return JobPublic.of(jobs.cancel(session, tenant=caller.tenant, job_id=job.id))


@router.get(
    "/jobs/{job_id}/events",
    operation_id="watch_job",
    dependencies=[FOLLOW, Depends(_share)],
    summary="Watch a job",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Events as they happen: `progress`, `log`, and one `done` at the end of the stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENTS}},
        },
        204: {"description": "`Last-Event-ID` was the last event there will be."},
        **refusals(404, 422),
    },
)
async def watch_job(
    request: Request, job: JobDep, db: DatabaseDep, predictor: PredictorDep, last_event_id: LastEventId = 0
) -> Response:
    """A stream of server-sent events from the job's first event, or after `Last-Event-ID`.

    `progress` comes once a second at most. Its `data` has `attempt`, `phase`, `step`, `total`, `eta_s` (seconds left in
    the phase, null while unknown) and `metrics` (the newest value of each figure, `loss` among them). While an adapter
    trains it also has, where some have ended since the event before, `epochs`: each with `seed`, `epoch`, `train_loss`,
    `dev_loss`, `dev_accuracy` and, where folds train, `rate`, the learning rate. That is a live curve; the published
    adapter's `courses` has the whole of it. Of a long job the newest thousand such events are kept. `log` has a
    `message`, `done` the job's `status` and `error`.

    A stream that ends without `done` ended with the service, or with the key; connect again. One key, and one
    address, may have only so many streams open at once: 429 `too_many_streams` beyond that.
    """
    if job.finished_at is not None and not await run_in_threadpool(events_after, db, job.id, last_event_id):
        return Response(status_code=204)  # a browser's EventSource then does not reconnect
    stream = _nothing() if is_head(request) else _stream(request, db, predictor, job.id, last_event_id)
    return EventSourceResponse(stream, ping=COMMENT_S, shutdown_grace_period=4 * POLL_S)


@router.get(
    "/workers",
    operation_id="list_workers",
    dependencies=[READ],
    summary="List workers",
    responses=refusals(422),
    tags=["workers"],
)
def list_workers(query: Annotated[PageQuery, Query()], db: DatabaseDep, caller: CallerDep) -> Page[WorkerPublic]:
    """The runners that were heard lately, and which of your jobs each is doing."""
    with db.read() as session:
        page = jobs.list_workers(session, limit=query.limit, cursor=query.cursor)
        own = jobs.own_job_ids(session, (row.job_id for row in page.items), tenant=caller.tenant)
    return page_of(page, lambda row: WorkerPublic.of(row, own=own))


async def _nothing() -> AsyncIterator[ServerSentEvent]:
    return
    yield


def _describer(session: Session, rows: Sequence[JobRow], settings: Settings) -> Callable[[JobRow], JobPublic]:
    """Describe these jobs; those in the queue with what they wait for. Whoever was heard within two leases counts."""
    queued = any(row.status == "queued" for row in rows)
    workers = jobs.heard_lately(session, within_s=2 * settings.lease_s) if queued else []
    about = subjects(session, rows)
    return lambda row: JobPublic.of(
        row, waiting_for=jobs.why_waiting(row, workers), subject=about.get(row.resource_id, UNTOLD)
    )


async def _stream(
    request: Request, db: Database, predictor: Predictor, job_id: str, seq: int
) -> AsyncIterator[ServerSentEvent]:
    watchers: JobWatchers = request.app.state.job_watchers
    with watchers.watch(db, job_id, seq) as watched:
        while True:
            leaving = predictor.draining  # events so far are still sent; for the rest the client connects elsewhere
            for event in await watched.after(seq):
                seq = number(event)
                yield event
                if event.event == "done":
                    return
            if leaving or not await still_valid(request):
                return
            await watched.wait(seq, CHECK_S)
