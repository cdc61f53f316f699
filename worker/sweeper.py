"""What every runner does besides its job: take jobs from runners that are gone, and remove what is not needed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app import jobs
from app.jobs.idempotency import forget_expired
from app.jobs.webhook_deliveries import forget_old
from app.jobs.workers import forget_workers
from app.settings import Settings
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.job_status import FINISHED
from app.storage.models import JobRow
from app.storage.spool import FORGOTTEN_S, newest_change, remove_stale
from worker.lease_watch import LeaseWatch
from worker.retention import retire

log = structlog.get_logger(__name__)


class Sweeper:
    """A thread that sweeps every `sweep_s`, so that neither heartbeats nor the job wait for it."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        *,
        busy_with: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._db, self._busy_with = settings, db, busy_with
        self._leases = LeaseWatch(lease_s=settings.lease_s, clock=clock)
        self._steps = (
            self.reap,
            self.forget,
            self.retire,
            self.collect,
            self.remove_work_files,
            self.remove_spooled,
            self.empty_log,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is being done."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            for step in self._steps:
                try:
                    step()
                except (DBAPIError, OSError) as error:
                    log.warning("sweep failed; it is tried again", step=step.__name__, error=error)
                if self._stopping.is_set():
                    return
            if self._stopping.wait(self._settings.sweep_s):
                return

    def reap(self) -> None:
        """Take back every job whose lease is not renewed, except this runner's own: that is its heartbeat's matter."""
        try:
            with self._db.read() as session:
                lost = self._leases.lost(jobs.held_leases(session, except_job=self._busy_with()))
            if not lost:
                return
            with self._db.write() as session:
                reaped = jobs.requeue_lost(session, lost, max_attempts=self._settings.max_attempts)
        except DBAPIError:
            self._leases.forget()
            raise
        for job_id in reaped:
            log.warning("its lease is not renewed any more; job taken back", job=job_id)

    def forget(self) -> None:
        """Drop runners not heard for long, idempotency keys whose time is over, and old messages to webhooks."""
        with self._db.write() as session:
            forget_workers(session, unseen_s=2 * self._settings.lease_s)
            forget_expired(session)
            forget_old(session)

    def retire(self) -> None:
        """Delete what is older than the settings keep it."""
        retired = retire(self._settings, self._db)
        if retired:
            log.info("retention: deleted what was old", rows=retired)

    def collect(self) -> None:
        """Delete blobs nothing refers to."""
        BlobStore(self._db).collect_garbage()

    def empty_log(self) -> None:
        """See that what was erased is not left in the database's log."""
        self._db.empty_log()

    def remove_work_files(self) -> None:
        """Remove the work directories of jobs that are over, and old ones of jobs that no table knows.

        Such a job was in the database before an older state of it was put back.
        """
        if not self._settings.work.is_dir():
            return
        folders = {path.name: path for path in self._settings.work.iterdir() if _is_of_a_job(path)}
        with self._db.read() as session:
            known = dict(session.execute(select(JobRow.id, JobRow.status).where(JobRow.id.in_(folders))).all())
        for job_id, folder in folders.items():
            unknown = job_id not in known and newest_change(folder) < time.time() - FORGOTTEN_S
            if unknown or known.get(job_id) in FINISHED:
                shutil.rmtree(folder, ignore_errors=True)

    def remove_spooled(self) -> None:
        """Remove uploads and exports of processes that are gone, where they lie on this machine."""
        remove_stale(self._settings.spool)


def _is_of_a_job(path: Path) -> bool:
    """Whether a folder is named as those of jobs are; what else lies there is not the service's."""
    try:
        return path.is_dir() and not path.is_symlink() and str(UUID(path.name)) == path.name
    except ValueError:
        return False
