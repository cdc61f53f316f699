"""The queue: submitting a job, and claiming one, fairly between tenants.

A claim takes the oldest job of the tenant with the fewest running ones; among those with as many, of the tenant whose
turn was longest ago. A runner takes only what it can do: kinds of jobs, its backbone, ways of writing a job down.
A claim waits a moment for another one at most: one that is frozen holds up nothing but the job that it holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.jobs.fence import Claim
from app.jobs.form import FORM
from app.storage import counters
from app.storage.models import JobRow, TenantTurnRow
from app.storage.table import insert, new_id, now
from app.trace_context import IN_PAYLOAD, TRACEPARENT

Kind = Literal["ticket", "adapter", "prediction", "language_delta"]
KINDS: tuple[Kind, ...] = ("ticket", "adapter", "prediction", "language_delta")
PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Between looks at whose turn it is, while another claim is about to change that; one takes some milliseconds."""


@dataclass(frozen=True)
class Lane:
    """Jobs of one kind for one backbone: empty for those that name none, None for all."""

    kind: str
    backbone: str | None

    def queued(self, tenant: ColumnElement[str] | str) -> tuple[ColumnElement[bool], ...]:
        """What holds for a queued job of the tenant in this lane that this release can read."""
        here = (JobRow.status == "queued", JobRow.tenant == tenant, JobRow.kind == self.kind, JobRow.format <= FORM)
        return here if self.backbone is None else (*here, JobRow.backbone == self.backbone)


@dataclass(frozen=True)
class Waiting:
    """A tenant with jobs that the asking runner can do, and what decides when it is its turn."""

    tenant: str
    running: int
    turn: int
    oldest: tuple[tuple[str, Lane], ...]
    """The oldest job of each lane that has one, the oldest of all first: an id is a time."""

    @property
    def next_kind(self) -> str:
        """The kind of the job that is next."""
        return self.oldest[0][1].kind


def submit(
    session: Session,
    *,
    tenant: str,
    kind: Kind,
    resource_kind: str,
    resource_id: str,
    backbone: str = "",
    payload: dict[str, Any] | None = None,
) -> JobRow:
    """Queue a job for runners with this backbone (its fingerprint; empty: for any).

    It is acknowledged, and will not be lost, once the caller's transaction is committed.
    """
    job = JobRow(
        id=new_id(),
        tenant=tenant,
        kind=kind,
        status="queued",
        backbone=backbone,
        format=FORM,
        payload={**(payload or {}), **_cause()},
        resource_kind=resource_kind,
        resource_id=resource_id,
        step=0,
        total=0,
        metrics={},
        attempt=0,
        cancel_requested=False,
        created_at=now(session),
    )
    session.add(job)
    session.flush()
    session.execute(insert(session, TenantTurnRow).values(tenant=tenant, turn=0).on_conflict_do_nothing())
    return job


def _cause() -> dict[str, str]:
    """The span of the request that submits, where there is one: the job's own trace will link to it."""
    traceparent = TRACEPARENT.get()
    return {IN_PAYLOAD: traceparent} if traceparent else {}


def waiting(session: Session, *, kinds: Sequence[str] = KINDS, backbone: str | None = None) -> list[Waiting]:
    """Return the tenants that have jobs for such a runner, the next one first; locks nothing.

    Each tenant costs a few looks into an index, however many jobs are queued. Without `backbone`, of any.
    """
    lanes = [Lane(kind, named) for kind in kinds for named in ((None,) if backbone is None else ("", backbone))]
    tenants = _tenants_with_queued_jobs()
    turn = select(TenantTurnRow.turn).where(TenantTurnRow.tenant == tenants.c.tenant).scalar_subquery()
    heads = [select(func.min(JobRow.id)).where(*lane.queued(tenants.c.tenant)).scalar_subquery() for lane in lanes]
    rows = session.execute(select(tenants.c.tenant, turn, *heads).where(tenants.c.tenant.is_not(None))).all()
    there = [(tenant, turn, sorted(_there(ids, lanes), key=itemgetter(0))) for tenant, turn, *ids in rows]
    running = _running(session) if any(oldest for *_, oldest in there) else {}
    found = [
        Waiting(tenant, running.get(tenant, 0), turn or 0, tuple(oldest)) for tenant, turn, oldest in there if oldest
    ]
    return sorted(found, key=lambda each: (each.running, each.turn, each.oldest[0][0]))


def claim(
    session: Session, *, owner: str, lease_s: float, kinds: Sequence[str] = KINDS, backbone: str | None = None
) -> Claim | None:
    """Take the job whose turn it is by a conditional UPDATE; None when there is none. Many may race."""
    job_id = _lock_next(session, kinds, backbone)
    if job_id is None:
        return None
    moment = now(session)
    begun = session.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == "queued")
        .values(
            status="running",
            attempt=JobRow.attempt + 1,
            owner=owner,
            lease_until=moment + timedelta(seconds=lease_s),
            progress_at=moment,
            started_at=func.coalesce(JobRow.started_at, moment),
        )
        .returning(JobRow.attempt, JobRow.kind)
    ).one_or_none()
    if begun is None:
        return None
    counters.count(session, "job_attempts", begun.kind)
    return Claim(job_id, begun.attempt, owner)


def _lock_next(session: Session, kinds: Sequence[str], backbone: str | None) -> str | None:
    """Lock and return the job whose turn it is.

    While another claim is serving the same tenant this one looks again and again, since whose turn it is changes then.
    A claim that does not end is passed over, at last with a job of the same tenant.
    """
    in_order: list[Waiting] = []
    for pause_s in PAUSES_S:
        in_order = waiting(session, kinds=kinds, backbone=backbone)
        if not in_order:
            return None
        if _take_turn(session, in_order[0]):
            break
        time.sleep(pause_s)
    for each in in_order:
        if _take_turn(session, each) and (job_id := _lock_oldest(session, each)) is not None:
            later = select(1 + func.coalesce(func.max(TenantTurnRow.turn), 0)).scalar_subquery()
            session.execute(update(TenantTurnRow).where(TenantTurnRow.tenant == each.tenant).values(turn=later))
            return job_id
    return next((job_id for each in in_order if (job_id := _lock_oldest(session, each)) is not None), None)


def _take_turn(session: Session, waiting: Waiting) -> bool:
    """Lock the tenant's turn if it is still the one that was seen, and nobody has it; do not wait for it."""
    row = select(TenantTurnRow).where(TenantTurnRow.tenant == waiting.tenant)
    seen = row.where(TenantTurnRow.turn == waiting.turn)
    if session.scalar(seen.with_for_update(skip_locked=True)) is not None:
        return True
    if session.scalar(row) is not None:
        return False
    # its jobs were submitted by a release that knows no turns
    first = insert(session, TenantTurnRow).values(tenant=waiting.tenant, turn=0).on_conflict_do_nothing()
    return session.execute(first.returning(TenantTurnRow.tenant)).one_or_none() is not None


def _lock_oldest(session: Session, waiting: Waiting) -> str | None:
    """Lock and return the oldest of the tenant's jobs that nobody has locked."""
    for _, lane in waiting.oldest:
        oldest = select(JobRow.id).where(*lane.queued(waiting.tenant)).order_by(JobRow.id).limit(1)
        job_id = session.scalar(oldest.with_for_update(skip_locked=True))
        if job_id is not None:
            return job_id
    return None


def _there(ids: Sequence[str | None], lanes: Sequence[Lane]) -> Iterator[tuple[str, Lane]]:
    for job_id, lane in zip(ids, lanes, strict=True):
        if job_id is not None:
            yield job_id, lane


def _running(session: Session) -> dict[str, int]:
    """Count the running jobs of each tenant that has any."""
    rows = select(JobRow.tenant, func.count()).where(JobRow.status == "running").group_by(JobRow.tenant)
    return dict(session.execute(rows).all())


def _tenants_with_queued_jobs() -> CTE:
    """The tenants, and a null at the end, found by jumping through the index from each to the next."""
    queued = JobRow.status == "queued"
    first = select(func.min(JobRow.tenant)).where(queued).scalar_subquery()
    tenants = select(first.label("tenant")).cte("tenants", recursive=True)
    following = select(func.min(JobRow.tenant)).where(queued, JobRow.tenant > tenants.c.tenant).scalar_subquery()
    return tenants.union_all(select(following).where(tenants.c.tenant.is_not(None)))
