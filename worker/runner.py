"""The runner: claims a job, executes it in a process of its own, keeps the lease, and settles how it ended.

One job at a time; a worker with several devices has a runner for each. The same runner serves the embedded profile and
a deployment; it polls even where messages wake it.
"""

from __future__ import annotations

import platform
import shutil
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import jobs
from app.errors import LeaseLost
from app.jobs import Claim
from app.jobs.queue import KINDS
from app.jobs.workers import forget_worker
from app.settings import Settings
from app.storage.blob_health import StoreWatch
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import JobRow
from app.storage.table import new_id, now
from app.telemetry.tracing import FLUSH_S, Tracing
from ltp.reproduce.run.identity import code_version
from worker.awake_clock import AwakeClock
from worker.device_turns import DeviceTurns, Place
from worker.end import End, record_end
from worker.job_process import JobProcess, JobProcesses
from worker.oom_kills import OomKills
from worker.own_backbone import OwnBackbone
from worker.retry import RETRY_S, retry_while_unreachable
from worker.silence import Silence
from worker.sweeper import Sweeper
from worker.traces import Attempt, traced
from worker.usable_database import wait_until_usable
from worker.webhook_sender import WebhookSender

log = structlog.get_logger(__name__)

TICK_S = 0.1
"""How often a runner looks whether the job's process has ended, or it shall stop itself."""
LONGEST_TICK_S = 1.0
"""Two looks that are further apart say that this process was paused, and its job with it: the rest does not count."""
LEAVING_S = FLUSH_S + 7.0
"""How long the process of a job that has published may take to send its spans and to leave: until then it has not lost
its lease."""
SHUTDOWN_S = 5.0
"""How long a leaving runner tries to hand its job back; after that its lease runs out by itself."""


class Runner:
    """A worker that executes one job after the other until `stop` is called."""

    def __init__(
        self,
        settings: Settings,
        *,
        alone: bool = False,
        kinds: Sequence[str] = KINDS,
        tracing: Tracing | None = None,
        place: Place | None = None,
    ) -> None:
        self.id = new_id()
        self.begun = threading.Event()  # from then on other runners of its process may claim jobs
        self._place = place or Place(settings, kinds, turns=DeviceTurns(1))
        self._tracing = tracing or Tracing()
        self.settings = settings
        self.db = Database.from_settings(settings)
        self._alone = alone
        self._kinds = kinds
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._current: Claim | None = None
        self._seen, self._seen_with = float("-inf"), ""
        self._backbone = OwnBackbone(settings)
        self._processes = JobProcesses(settings)
        self._store = StoreWatch(self.db)
        self._sweeper = Sweeper(settings, self.db, busy_with=self._job_id)
        self._webhooks = WebhookSender(settings, self.db)

    def stop(self) -> None:
        """Leave: a running job is handed back at once. Safe to call from a signal handler."""
        self._stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """Look for work now rather than at the next poll. Safe to call from any thread.

        Which job there is news of does not matter: whose turn it is does, and that may be another tenant's.
        """
        self._woken.set()

    @property
    def free(self) -> bool:
        """Whether there is time for a job."""
        return self._current is None

    def run(self) -> None:
        """Work until `stop` is called."""
        log.info("runner started", worker=self.id, kinds=list(self._kinds))
        wait_until_usable(self.db, self._stopping, every_s=self.settings.poll_s)
        self._store.wrong()  # which says so at once
        if self._alone:
            self._take_back_all()
        self.begun.set()
        self._backbone.start()
        self._sweeper.start()
        self._webhooks.start()
        try:
            while not self._stopping.is_set():
                if not self._work():
                    self._woken.wait(self.settings.poll_s)
                    self._woken.clear()  # what was committed before is seen by the look that follows
        finally:
            self.begun.set()
            self._place.leave()
            self._processes.close()
            self._webhooks.stop()
            self._sweeper.stop()
            self._backbone.stop()
            self._persist(lambda session: forget_worker(session, self.id), for_s=SHUTDOWN_S)
            self.db.close()
            self._tracing.close()
            log.info("runner stopped", worker=self.id)

    def execute(self, claim: Claim, settings: Settings) -> End:
        """Execute a claimed job to its end, whatever that is, with these settings."""
        self._current = claim
        log.info("job started", job=claim.job_id, attempt=claim.attempt)
        with traced(self._tracing, self.db, claim) as attempt:
            end, code = self._execute(claim, attempt, settings)
        log.info("job process over", job=claim.job_id, attempt=claim.attempt, end=end.value, code=code)
        self._tidy(claim)
        return end

    def _execute(self, claim: Claim, attempt: Attempt, settings: Settings) -> tuple[End, int]:
        oom_kills = OomKills()
        process = self._processes.start(settings, claim, traceparent=attempt.traceparent)
        try:
            end = self._watch(process, claim)
            code = process.kill()
            attempt.end, attempt.code = end.value, code
            self._settle(claim, end, code, oom=oom_kills.happened())
        finally:
            process.kill()
            self._current = None
        return end, code

    def _work(self) -> bool:
        """Execute one job if there is one that this worker can do."""
        try:
            self._see(None)
            return self._place.work(self._next_kind, self._do_one)
        except DBAPIError as error:
            log.warning("no work could be looked for", error=error)
            wait_until_usable(self.db, self._stopping, every_s=self.settings.poll_s)
            return False

    def _do_one(self, kinds: Sequence[str], settings: Settings) -> bool:
        backbone = self._backbone.current()
        if not backbone:
            return False
        with self.db.write() as session:
            claim = jobs.claim(session, owner=self.id, lease_s=self.settings.lease_s, kinds=kinds, backbone=backbone)
        if claim is not None:
            self.execute(claim, settings)
        return claim is not None

    def _next_kind(self, kinds: Sequence[str]) -> str | None:
        """Look, without locking anything, of which kind the job is that a claim would take."""
        if not self._backbone.fingerprint:
            return None
        with self.db.read() as session:
            there = jobs.waiting(session, kinds=kinds, backbone=self._backbone.fingerprint)
        if not there or self._store.wrong():  # without the store of contents no job could begin, nor publish
            return None
        return there[0].next_kind

    def _watch(self, process: JobProcess, claim: Claim) -> End:
        """Keep the lease until the process ends or must be ended.

        While the database is away the process goes on: this runner could do nothing else, and if it is the only one
        that is cut off, what another runner has taken over is refused to it when it comes back.
        """
        awake, silence = AwakeClock(longest_s=LONGEST_TICK_S), Silence()
        beat_at = 0.0
        while not self._stopping.wait(TICK_S):
            moment, spent = time.monotonic(), awake()
            if process.poll() is not None:
                return End.EXITED
            if spent > self.settings.job_timeout_s:
                return End.TIMEOUT
            if moment < beat_at:
                continue
            try:
                end = self._beat(claim, silence, spent)
                beat_at = moment + self.settings.heartbeat_s
            except DBAPIError as error:
                log.warning("heartbeat failed", job=claim.job_id, error=error)
                silence.interrupt()
                end, beat_at = None, time.monotonic() + min(RETRY_S, self.settings.heartbeat_s)
            if end is not None:
                return end
        return End.EXITED if process.poll() == 0 else End.SHUTDOWN  # it may just have done its work

    def _beat(self, claim: Claim, silence: Silence, spent: float) -> End | None:
        """Renew the lease; return why the job must end, if so."""
        try:
            with self.db.write() as session:
                beat = jobs.heartbeat(session, claim, lease_s=self.settings.lease_s)
        except LeaseLost:
            return None if self._is_leaving(claim) else End.LEASE_LOST
        self._see(claim.job_id)
        if beat.cancel_requested:
            return End.CANCELLED
        return End.STALLED if silence.observe(beat.reported, spent) > self.settings.stall_s else None

    def _is_leaving(self, claim: Claim) -> bool:
        """Whether this attempt has recorded the job's end a moment ago, so that its process is about to be over."""
        with self.db.read() as session:
            job = session.get(JobRow, claim.job_id)
            if job is None or job.attempt != claim.attempt or job.finished_at is None:
                return False
            return (now(session) - job.finished_at).total_seconds() < LEAVING_S

    def _settle(self, claim: Claim, end: End, code: int, *, oom: bool) -> None:
        """Record the end of a process that did not record it itself."""
        if end is End.LEASE_LOST:
            return
        for_s = SHUTDOWN_S if end is End.SHUTDOWN else self.settings.lease_s

        def record(session: Session) -> None:
            record_end(session, claim, end, code, oom=oom, settings=self.settings)

        self._persist(record, for_s=for_s)

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
        """Show up in the list of workers, at most once a heartbeat unless job or backbone change."""
        backbone, same = self._backbone.fingerprint, self._seen_with == self._backbone.fingerprint
        if job_id is None and same and time.monotonic() - self._seen < self.settings.heartbeat_s:
            return
        with self.db.write() as session:
            jobs.see_worker(
                session,
                worker_id=self.id,
                host=platform.node(),
                device=self._place.device,
                job_id=job_id,
                kinds=self._kinds,
                backbone=backbone,
                code=code_version(),
            )
        self._seen, self._seen_with = float("-inf") if job_id else time.monotonic(), backbone

    def _job_id(self) -> str | None:
        return None if self._current is None else self._current.job_id

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
