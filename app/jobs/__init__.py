"""The job lifecycle: the database is the queue.

queued -> running -> succeeded | failed | cancelled. `queue` hands jobs out, `leases` keeps them and takes them back,
`workers` knows who takes them, `fence` proves that a writer still owns its job, `progress` records what it reports,
`outcome` ends it, `listing` shows it, `erasure` forgets what it said. Every function takes a session and belongs inside
`Database.write()`, or `Database.read()` where it only reads.
"""

from app.jobs.erasure import erase_words
from app.jobs.fence import Claim, lock_for_publish
from app.jobs.leases import Beat, Lease, heartbeat, held_leases, release, requeue_all_running, requeue_lost
from app.jobs.listing import events_after, get, list_jobs, own_job_ids
from app.jobs.outcome import cancel, end_attempt, fail, mark_cancelled, succeed
from app.jobs.progress import log, record_progress
from app.jobs.queue import claim, submit, waiting
from app.jobs.workers import heard_lately, list_workers, see_worker, why_waiting

__all__ = [
    "Beat",
    "Claim",
    "Lease",
    "cancel",
    "claim",
    "end_attempt",
    "erase_words",
    "events_after",
    "fail",
    "get",
    "heard_lately",
    "heartbeat",
    "held_leases",
    "list_jobs",
    "list_workers",
    "lock_for_publish",
    "log",
    "mark_cancelled",
    "own_job_ids",
    "record_progress",
    "release",
    "requeue_all_running",
    "requeue_lost",
    "see_worker",
    "submit",
    "succeed",
    "waiting",
    "why_waiting",
]
