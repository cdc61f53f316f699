"""How an attempt ended that its own process did not record, and what becomes of its job."""

from __future__ import annotations

import signal
from enum import Enum

from sqlalchemy.orm import Session

from app import jobs
from app.jobs import Claim
from app.settings import Settings
from app.storage.models import JobRow
from worker.job_process import describe_exit

STORAGE_FULL = 74
"""A job process's exit code when there was no room even to record that there is none (EX_IOERR)."""
ADVICE = {
    "ticket": "lower mlm.max_length, or take a sample of the corpus (mlm.sample)",
    "adapter": "lower training.max_length or seeds, or choose a method that trains fewer parameters",
    "prediction": "name fewer adapters in one file, or give workers less to keep (LTP_FUSED_MB, LTP_COMPACT_MB)",
}
"""What to change in a job that does not fit into memory, by its kind."""


class End(Enum):
    """Why a job's process is over, or must be."""

    EXITED = "exited"
    CANCELLED = "cancelled"
    STALLED = "stalled"
    TIMEOUT = "timeout"
    LEASE_LOST = "lease lost"
    SHUTDOWN = "shutdown"


def record_end(session: Session, claim: Claim, end: End, code: int, *, oom: bool, settings: Settings) -> None:
    """Record the end of a process that did not record it itself. `oom`: the kernel ran out of memory meanwhile.

    Raises `LeaseLost`: it did, or another attempt has the job.
    """
    if end is End.CANCELLED:
        jobs.mark_cancelled(session, claim)
    elif end is End.SHUTDOWN:
        jobs.release(session, claim)
    elif code == STORAGE_FULL:
        jobs.fail(session, claim, code="storage_full", detail="there is no room left to write the result")
    elif end is End.EXITED and code == -signal.SIGKILL and oom:
        kind = session.get_one(JobRow, claim.job_id).kind
        detail = out_of_memory(kind, "the kernel ended its process, since memory had run out")
        jobs.fail(session, claim, code="out_of_memory", detail=detail)
    else:
        reason, detail = _reason(end, code, settings)
        jobs.end_attempt(session, claim, code=reason, detail=detail, max_attempts=settings.max_attempts)


def out_of_memory(kind: str, what: str) -> str:
    """Say that a job does not fit, and what would; trying it again as it is would not help."""
    return f"the worker has not enough memory for it: {what}. {ADVICE[kind]}; or give workers more memory"


def _reason(end: End, code: int, settings: Settings) -> tuple[str, str]:
    if end is End.STALLED:
        return "stalled", f"it made no progress for {settings.stall_s:g} seconds"
    if end is End.TIMEOUT:
        return "timeout", f"it took longer than {settings.job_timeout_s:g} seconds"
    return "worker_lost", describe_exit(code)
