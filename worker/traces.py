"""The trace of an attempt at a job: a span around it, which the runner makes, and the job's phases, by its process.

The trace is one of its own and links to the request that made the job, which was answered long ago. A process that is
killed leaves no phases; the runner's span says how it ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from app.jobs import Claim
from app.settings import variable
from app.storage.database import Database
from app.storage.models import JobRow
from app.telemetry.tracing import Attributes, Period, Tracing, from_environment
from app.trace_context import IN_ENVIRONMENT, IN_PAYLOAD
from ltp.training.timings import Timings


@dataclass
class Attempt:
    """What is known of an attempt while it goes on. `traceparent` is its span's, empty where nothing is traced."""

    traceparent: str = ""
    end: str = "crashed"
    code: int | None = None


class Phase(NamedTuple):
    """A phase of a job so far: between `began` and `ended` it took `seconds`, in so many pieces."""

    began: float
    ended: float
    seconds: float
    pieces: int


class PhaseTimings(Timings):
    """Timings that also know when each phase was, by the process's monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[str, Phase] = {}

    def add(self, phase: str, seconds: float) -> None:
        """Count time that has just passed."""
        super().add(phase, seconds)
        now = time.monotonic()
        before = self.phases.get(phase, Phase(now - seconds, now, 0.0, 0))
        self.phases[phase] = Phase(before.began, now, before.seconds + seconds, before.pieces + 1)

    def go_on(self, before: Mapping[str, float], phases: Sequence[str]) -> None:
        """Count what an earlier attempt spent, in the seconds alone: it was no time of this process."""
        for phase in phases:
            if phase in before:
                super().add(phase, before[phase])


@contextmanager
def traced(tracing: Tracing, db: Database, claim: Claim) -> Iterator[Attempt]:
    """Make a span of the block, in which an attempt is executed; `Attempt` is to be told how it ended."""
    attempt = Attempt()
    if not tracing.on:
        yield attempt
        return
    before = _row(db, claim)
    cause = "" if before is None else str(before.payload.get(IN_PAYLOAD, ""))
    span = tracing.root("job", caused_by=cause)
    attempt.traceparent = span.traceparent
    try:
        yield attempt
    finally:
        after = _row(db, claim)
        error = None if after is None else after.error_code
        span.end(_name(before), _described(claim, attempt, before, after), error=error)


@contextmanager
def traced_phases(timings: PhaseTimings) -> Iterator[None]:
    """After the block send the phases that it took, below the span that the runner told this process of, if any.

    What that needs is imported before: when the job is over, its process has little time left.
    """
    told = variable(IN_ENVIRONMENT)
    tracing = Tracing() if told is None else from_environment("job", say=False)
    try:
        yield
    finally:
        for name, phase in timings.phases.items():
            spent: Attributes = {"ltp.phase.seconds": round(phase.seconds, 3), "ltp.phase.pieces": phase.pieces}
            tracing.add(name, Period(phase.began, phase.ended), spent, parent=told[1] if told else "")
        tracing.close()


def _row(db: Database, claim: Claim) -> JobRow | None:
    try:
        with db.read() as session:
            return session.get(JobRow, claim.job_id)
    except DBAPIError:
        return None  # the span says less


def _name(row: JobRow | None) -> str:
    return "job" if row is None else f"job {row.kind}"


def _described(claim: Claim, attempt: Attempt, before: JobRow | None, after: JobRow | None) -> Attributes:
    described: dict[str, str | int | float | bool] = {
        "ltp.job.id": claim.job_id,
        "ltp.job.attempt": claim.attempt,
        "ltp.job.end": attempt.end,
    }
    if attempt.code is not None:
        described["process.exit.code"] = attempt.code
    if before is not None:
        described |= {"ltp.job.kind": before.kind, f"ltp.{before.resource_kind}.id": before.resource_id}
        if before.started_at is not None:
            described["ltp.job.waited_s"] = round((before.started_at - before.created_at).total_seconds(), 3)
    if after is not None:
        described["ltp.job.status"] = after.status
    return described
