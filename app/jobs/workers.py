"""The runners: who was heard lately, what each can do, and why a queued job has none that takes it.

They belong to no tenant; the jobs they name do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.jobs.form import FORM
from app.storage.models import JobRow, WorkerRow
from app.storage.pagination import DEFAULT_LIMIT, Page, read_page
from app.storage.table import insert, now


def see_worker(
    session: Session,
    *,
    worker_id: str,
    host: str,
    device: str,
    job_id: str | None,
    kinds: Sequence[str] | None = None,
    backbone: str | None = None,
    code: str | None = None,
) -> None:
    """Note that a runner is alive, what it works on, and what it can do.

    `backbone` is empty while it is being prepared. None says nothing, as a runner of an older release does.
    """
    seen = {
        "host": host,
        "device": device,
        "job_id": job_id,
        "kinds": None if kinds is None else " ".join(kinds),
        "backbone": backbone,
        "format": FORM,
        "code": code,
        "last_seen": now(session),
    }
    row = insert(session, WorkerRow).values(id=worker_id, **seen)
    session.execute(row.on_conflict_do_update(index_elements=["id"], set_=seen))


def forget_workers(session: Session, *, unseen_s: float) -> None:
    """Drop runners that were not seen for `unseen_s`."""
    session.execute(delete(WorkerRow).where(~_heard(session, unseen_s)))


def forget_worker(session: Session, worker_id: str) -> None:
    """Drop a runner that is leaving."""
    session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))


def list_workers(session: Session, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page[WorkerRow]:
    """List the runners that were heard lately, newest first."""
    return read_page(session, select(WorkerRow), by=WorkerRow.id, limit=limit, cursor=cursor)


def heard_lately(session: Session, *, within_s: float) -> Sequence[WorkerRow]:
    """Return the runners that were heard within so many seconds."""
    return session.scalars(select(WorkerRow).where(_heard(session, within_s))).all()


def why_waiting(job: JobRow, workers: Iterable[WorkerRow]) -> str | None:
    """Say why none of these workers will take a queued job; None if one will, or the job is not queued."""
    if job.status != "queued":
        return None
    left = list(workers)
    if not left:
        return "no worker was heard lately; start one with `ltp worker`"
    for can, otherwise in (
        (_does, f"no worker that was heard lately takes jobs of kind {job.kind}"),
        (
            _reads,
            "the workers that were heard lately are of an older release, which cannot read this job; upgrade them",
        ),
        (_has_backbone, f"no worker that was heard lately has the backbone it needs ({job.backbone[:12]}...)"),
    ):
        left = [worker for worker in left if can(worker, job)]
        if not left:
            return otherwise
    return None


def _heard(session: Session, within_s: float) -> ColumnElement[bool]:
    """Seen within so many seconds; what was seen in the future was seen before the clock was set back."""
    moment, width = now(session), timedelta(seconds=within_s)
    return WorkerRow.last_seen.between(moment - width, moment + width)


def _does(worker: WorkerRow, job: JobRow) -> bool:
    return worker.kinds is None or job.kind in worker.kinds.split()


def _reads(worker: WorkerRow, job: JobRow) -> bool:
    return worker.format is None or job.format <= worker.format


def _has_backbone(worker: WorkerRow, job: JobRow) -> bool:
    return worker.backbone is None or (worker.backbone != "" and job.backbone in ("", worker.backbone))
