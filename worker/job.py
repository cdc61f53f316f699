"""`python -m worker.job JOB ATTEMPT OWNER PARENT STARTED`: executes one claimed job, in its own process group.

It ends with its parent, which started it at STARTED by the machine's monotonic clock. Whatever happens is recorded
under the claim's fence: a fault in what was given fails the job at once, with the fault's own code; anything else is an
attempt that may be tried again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.orm import Session

from app import jobs
from app.errors import AppError, CancelRequested, LeaseLost
from app.http.error_statuses import code_of
from app.jobs import Claim
from app.process import JOB_NICENESS, be_first_to_go, begin_startup, end_startup, limit_memory, lower_priority
from app.settings import Settings
from app.storage.database import Database
from app.storage.disk_full import is_storage_full
from app.storage.models import JobRow
from app.storage.object_store import BlobStoreUnavailable
from app.storage.private import keep_private
from app.telemetry import log_setup
from ltp.compute.device import guess_device
from ltp.errors import LTPError
from ltp.progress import Progress
from ltp.training.timings import Timings
from worker.context import JobContext, OtherBackbone
from worker.end import STORAGE_FULL, out_of_memory
from worker.no_memory import is_out_of_memory
from worker.parent_watch import exit_with_parent
from worker.retry import retry_while_unreachable
from worker.traces import PhaseTimings, traced_phases

log = structlog.get_logger(__name__)

DISCARDED = 75
"""Exit code of an attempt whose job is no longer its own (EX_TEMPFAIL)."""


def main(arguments: Sequence[str]) -> int:
    """Execute the job; return the process's exit code."""
    job_id, attempt, owner, parent, started = arguments
    exit_with_parent(int(parent))
    lower_priority(JOB_NICENESS)
    be_first_to_go()
    timings = PhaseTimings()
    settings = Settings()
    if settings.job_memory_mb and not guess_device(settings.job_devices[0]).startswith("cuda"):
        limit_memory(settings.job_memory_mb)
    log_setup.configure(settings)
    keep_private()
    claim = Claim(job_id, int(attempt), owner)
    structlog.contextvars.bind_contextvars(job=job_id, attempt=claim.attempt)
    db = Database.from_settings(settings)
    timings.add("spawn", time.monotonic() - float(started))
    try:
        with traced_phases(timings):
            return attempt_job(settings, db, claim, timings=timings)
    finally:
        db.close()


def attempt_job(settings: Settings, db: Database, claim: Claim, *, timings: Timings | None = None) -> int:
    """Execute and publish, or record why not; an attempt that lost its lease may do neither."""
    try:
        return _attempt(settings, db, claim, timings or Timings())
    except LeaseLost as lost:
        log.warning("discarded", reason=str(lost))
        return DISCARDED


def _attempt(settings: Settings, db: Database, claim: Claim, timings: Timings) -> int:
    """As `attempt_job`. Raises `LeaseLost`, also when there is a fault to record and the job is another attempt's."""

    def record(write: Callable[[Session], object]) -> None:
        def once() -> None:
            with db.write() as session:
                write(session)

        retry_while_unreachable(once, for_s=settings.lease_s)

    try:
        _execute(JobContext(settings, db, claim, timings=timings))
    except LeaseLost:
        raise
    except (OtherBackbone, BlobStoreUnavailable) as other:
        why = str(other)
        log.warning("job handed back", reason=why)
        record(lambda session: jobs.release(session, claim, why=why))
    except CancelRequested:
        record(lambda session: jobs.mark_cancelled(session, claim))
    except (LTPError, AppError) as fault:
        code, detail = code_of(fault), str(fault)
        log.warning("job failed", code=code)  # the detail may quote a text
        record(lambda session: jobs.fail(session, claim, code=code, detail=detail))
    except Exception as error:  # whatever it is, the job must not stay `running`
        if is_storage_full(error):
            return _record_full_storage(record, claim, error)
        log.exception("attempt crashed")
        detail = f"{type(error).__name__}: {error}"
        if is_out_of_memory(error):
            return _record_out_of_memory(record, db, claim, detail)
        attempts = settings.max_attempts
        record(lambda session: jobs.end_attempt(session, claim, code="crashed", detail=detail, max_attempts=attempts))
    return 0


def _execute(context: JobContext) -> None:
    """Hand the job to the executor of its kind."""
    context.report(Progress("start", 0, 1))  # importing torch takes a while, and is no silence
    begin_startup()
    with context.timings("imports"):
        import torch

        if context.settings.threads:
            torch.set_num_threads(context.settings.threads)
        if context.job.kind == "ticket":
            from worker.execute.ticket import execute
        elif context.job.kind == "adapter":
            import ltp.adapter  # noqa: F401  what the executor will import, and no part of what it does
            from worker.execute.adapter import execute
        elif context.job.kind == "language_delta":
            from worker.execute.language_delta import execute
        elif context.job.kind == "prediction":
            from worker.execute.prediction import execute
        else:
            raise ValueError(f"jobs of kind {context.job.kind!r} are unknown here")
    end_startup()
    execute(context)


def _record_out_of_memory(
    record: Callable[[Callable[[Session], object]], None], db: Database, claim: Claim, what: str
) -> int:
    """Fail the job: as it is, it would not fit another time."""
    with db.read() as session:
        kind = session.get_one(JobRow, claim.job_id).kind
    record(lambda session: jobs.fail(session, claim, code="out_of_memory", detail=out_of_memory(kind, what)))
    return 0


def _record_full_storage(record: Callable[[Callable[[Session], object]], None], claim: Claim, error: Exception) -> int:
    """Fail the job for want of room; leave it to the runner when even that finds none."""
    log.error("no room left", error=error)
    detail = f"there is no room left to write: {error}"
    try:
        record(lambda session: jobs.fail(session, claim, code="storage_full", detail=detail))
    except Exception as second:
        if is_storage_full(second):
            return STORAGE_FULL
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
