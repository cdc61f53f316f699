"""The runner: claims a job, executes it in a process of its own, keeps the lease, and settles how it ended.

One job at a time. The same runner serves the embedded profile and a deployment; it polls even where messages wake it.
"""

from __future__ import annotations

import platform
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import jobs
from app.errors import LeaseLost
from app.jobs import Claim
from app.jobs.queue import KINDS, forget_worker
from app.settings import Settings
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import JobRow
from app.storage.table import new_id
from ltp.compute.device import guess_device
from worker.job import STORAGE_FULL
from worker.job_process import JobProcess, describe_exit
from worker.retry import RETRY_S, retry_while_unreachable
from worker.sweeper import Sweeper
from worker.usable_database import wait_until_usable

log = structlog.get_logger(__name__)

TICK_S = 0.1
"""How often a runner looks whether the job's process has ended, or it shall stop itself."""
SHUTDOWN_S = 5.0
"""How long a leaving runner tries to hand its job back; after that its lease runs out by itself."""


class End(Enum):
    """Why a job's process is over, or must be."""

    EXITED = "exited"
    CANCELLED = "cancelled"
    STALLED = "stalled"
    TIMEOUT = "timeout"
    LEASE_LOST = "lease lost"
    SHUTDOWN = "shutdown"


class Runner:
    """A worker that executes one job after the other until `stop` is called."""

    def __init__(self, settings: Settings, *, alone: bool = False, kinds: Sequence[str] = KINDS) -> None:
        self.id = new_id()
        self.settings = settings
        self.db = Database(settings.database)
        self._alone = alone
        self._kinds = kinds
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._wanted: str | None = None
        self._current: Claim | None = None
        self._seen = float("-inf")
        self._sweeper = Sweeper(settings, self.db, busy_with=self._job_id)

    def stop(self) -> None:
        """Leave: a running job is handed back at once. Safe to call from a signal handler."""
        self._stopping.set()
        self._woken.set()

    def wake(self, job_id: str | None = None) -> None:
        """Look for work now rather than at the next poll, and at this job first. Safe to call from any thread."""
        self._wanted = job_id
        self._woken.set()

    @property
    def free(self) -> bool:
        """Whether there is time for a job."""
        return self._current is None

    def run(self) -> None:
        """Work until `stop` is called."""
        log.info("runner started", worker=self.id, kinds=list(self._kinds))
        wait_until_usable(self.db, self._stopping, every_s=self.settings.poll_s)
        if self._alone:
            self._take_back_all()
        self._sweeper.start()
        try:
            while not self._stopping.is_set():
                if self._work():
                    self._wanted = None  # it came while there was no time, and other jobs have been waiting for longer
                else:
                    self._woken.wait(self.settings.poll_s)
                    self._woken.clear()  # what was committed before is seen by the look that follows
        finally:
            self._sweeper.stop()
            self._persist(lambda session: forget_worker(session, self.id), for_s=SHUTDOWN_S)
            self.db.close()
            log.info("runner stopped", worker=self.id)

    def execute(self, claim: Claim) -> End:
        """Execute a claimed job to its end, whatever that is."""
        self._current = claim
        log.info("job started", job=claim.job_id, attempt=claim.attempt)
        process = JobProcess(self.settings, claim)
        try:
            end = self._watch(process, claim)
            code = process.kill()
            self._settle(claim, end, code)
        finally:
            process.kill()
            self._current = None
        log.info("job process over", job=claim.job_id, attempt=claim.attempt, end=end.value, code=code)
        self._tidy(claim)
        return end

    def _work(self) -> bool:
        """Execute one job if there is one: the one it was woken for, or the oldest."""
        wanted, self._wanted = self._wanted, None
        try:
            self._see(None)
            with self.db.read() as session:
                if not jobs.waiting(session, kinds=self._kinds):
                    return False
            with self.db.write() as session:
                claim = self._claim(session, wanted) if wanted else None
                claim = claim or self._claim(session)
        except DBAPIError as error:
            log.warning("no work could be looked for", error=error)
            wait_until_usable(self.db, self._stopping, every_s=self.settings.poll_s)
            return False
        if claim is not None:
            self.execute(claim)
        return claim is not None

    def _claim(self, session: Session, job_id: str | None = None) -> Claim | None:
        return jobs.claim(session, owner=self.id, lease_s=self.settings.lease_s, kinds=self._kinds, job_id=job_id)

    def _watch(self, process: JobProcess, claim: Claim) -> End:
        """Keep the lease until the process ends or must be ended.

        While the database is away the process goes on: this runner could do nothing else, and if it is the only one
        that is cut off, what another runner has taken over is refused to it when it comes back.
        """
        began = time.monotonic()
        beat_at = 0.0
        while not self._stopping.wait(TICK_S):
            moment = time.monotonic()
            if process.poll() is not None:
                return End.EXITED
            if moment - began > self.settings.job_timeout_s:
                return End.TIMEOUT
            if moment < beat_at:
                continue
            try:
                end = self._beat(claim)
                beat_at = moment + self.settings.heartbeat_s
            except DBAPIError as error:
                log.warning("heartbeat failed", job=claim.job_id, error=error)
                end, beat_at = None, time.monotonic() + min(RETRY_S, self.settings.heartbeat_s)
            if end is not None:
                return end
        return End.SHUTDOWN

    def _beat(self, claim: Claim) -> End | None:
        """Renew the lease; return why the job must end, if so."""
        try:
            with self.db.write() as session:
                beat = jobs.heartbeat(session, claim, lease_s=self.settings.lease_s)
        except LeaseLost:
            return End.LEASE_LOST
        self._see(claim.job_id)
        if beat.cancel_requested:
            return End.CANCELLED
        return End.STALLED if beat.silent_s > self.settings.stall_s else None

    def _settle(self, claim: Claim, end: End, code: int) -> None:
        """Record the end of a process that did not record it itself."""
        for_s = SHUTDOWN_S if end is End.SHUTDOWN else self.settings.lease_s

        def record(session: Session) -> None:
            if end is End.CANCELLED:
                jobs.mark_cancelled(session, claim)
            elif end is End.SHUTDOWN:
                jobs.release(session, claim)
            elif code == STORAGE_FULL:
                jobs.fail(session, claim, code="storage_full", detail="there is no room left to write the result")
            else:
                reason, detail = self._reason(end, code)
                jobs.end_attempt(session, claim, code=reason, detail=detail, max_attempts=self.settings.max_attempts)

        if end is not End.LEASE_LOST:
            self._persist(record, for_s=for_s)

    def _reason(self, end: End, code: int) -> tuple[str, str]:
        if end is End.STALLED:
            return "stalled", f"it made no progress for {self.settings.stall_s:g} seconds"
        if end is End.TIMEOUT:
            return "timeout", f"it took longer than {self.settings.job_timeout_s:g} seconds"
        return "worker_lost", describe_exit(code)

    def _persist(self, write: Callable[[Session], None], *, for_s: float) -> None:
        """Run one write transaction, and bear with a database that is away; give up with a log line."""

        def once() -> None:
            with self.db.write() as session:
                write(session)

        try:
            retry_while_unreachable(once, for_s=for_s)
        except LeaseLost:
            return  # the job's process has recorded its end, or another runner has the job
        except DBAPIError as error:
            log.error("could not be recorded; the lease will run out", error=error)

    def _see(self, job_id: str | None) -> None:
        """Show up in the list of workers, at most once a heartbeat unless the job changes."""
        if job_id is None and time.monotonic() - self._seen < self.settings.heartbeat_s:
            return
        with self.db.write() as session:
            jobs.see_worker(session, worker_id=self.id, host=platform.node(), device=self._device(), job_id=job_id)
        self._seen = float("-inf") if job_id else time.monotonic()

    def _job_id(self) -> str | None:
        return None if self._current is None else self._current.job_id

    def _device(self) -> str:
        """Name the device without importing torch."""
        return guess_device(self.settings.device)

    def _take_back_all(self) -> None:
        def take_back(session: Session) -> None:
            for job_id in jobs.requeue_all_running(session, max_attempts=self.settings.max_attempts):
                log.warning("job taken back from a runner that is gone", job=job_id)

        self._persist(take_back, for_s=self.settings.lease_s)

    def _tidy(self, claim: Claim) -> None:
        """Remove the work files of a job that is over."""
        try:
            with self.db.read() as session:
                job = session.get(JobRow, claim.job_id)
        except DBAPIError:
            return  # the sweep does it later
        if job is not None and job.status in FINISHED:
            shutil.rmtree(self.settings.work / claim.job_id, ignore_errors=True)
