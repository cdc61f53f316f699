"""The job lifecycle: the database is the queue.

queued -> running -> succeeded | failed | cancelled. `queue` hands jobs out and takes them back, `fence` proves that a
writer still owns its job, `progress` records what it reports, `outcome` ends it, `listing` shows it. Every function
takes a session and belongs inside `Database.write()`, or `Database.read()` where it only reads.
"""

from app.jobs.fence import Claim, hold
from app.jobs.listing import events_after, get, list_jobs, list_workers, own
from app.jobs.outcome import cancel, end_attempt, fail, succeed, withdraw
from app.jobs.progress import log, record_progress
from app.jobs.queue import Beat, claim, hand_back, heartbeat, reap, see_worker, submit, take_back_all, waiting

__all__ = [
    "Beat",
    "Claim",
    "cancel",
    "claim",
    "end_attempt",
    "events_after",
    "fail",
    "get",
    "hand_back",
    "heartbeat",
    "hold",
    "list_jobs",
    "list_workers",
    "log",
    "own",
    "reap",
    "record_progress",
    "see_worker",
    "submit",
    "succeed",
    "take_back_all",
    "waiting",
    "withdraw",
]
