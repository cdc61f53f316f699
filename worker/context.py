"""What an executor has at hand: the claimed job, its work files, the backbone, and ways to report and to publish."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.jobs import Claim
from app.settings import MIB, Settings
from app.storage.audit import AuditContext
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import JobRow
from app.storage.private import private_folder
from app.storage.quotas import StorageQuota
from ltp.backbone.locate import resolve
from ltp.compute.device import choose_device
from ltp.errors import BackboneMismatch
from ltp.progress import Progress
from ltp.training.timings import Timings
from worker.progress import ProgressReporter
from worker.retry import retry_while_unreachable

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.training.checkpoint import Checkpoints

PUBLISH_TRIES = 3


class OtherBackbone(Exception):
    """This worker's backbone is not the one that the job was queued for: a worker that has it is to do the job."""


class JobContext:
    """One attempt at one job, inside the job's process. It sees what the job's tenant does, and nothing else."""

    def __init__(self, settings: Settings, db: Database, claim: Claim, *, timings: Timings) -> None:
        self.settings, self.claim, self.db = settings, claim, db
        self.timings = timings
        self.job = retry_while_unreachable(lambda: _read(db, claim.job_id), for_s=settings.lease_s)
        self.db = db.of(self.job.tenant)
        self._publishing = db.of(self.job.tenant, act=AuditContext(f"job:{claim.job_id}", f"publish_{self.job.kind}"))
        self.store = BlobStore(self.db, quota=StorageQuota(settings.max_stored_mb * MIB))
        self.report = ProgressReporter(self.db, claim)
        self.directory = settings.work / claim.job_id / str(claim.attempt)
        for folder in (self.directory.parent, self.directory):
            private_folder(folder)

    @cached_property
    def device(self) -> str:
        """The device to compute on; the first, if the job has several."""
        return choose_device(self.settings.job_devices[0])

    @property
    def earlier(self) -> list[Path]:
        """Directories of other attempts at this job, newest first."""
        attempts = [path for path in self.directory.parent.iterdir() if path.name.isdecimal() and path.is_dir()]
        attempts.sort(key=lambda path: int(path.name), reverse=True)
        return [path for path in attempts if path != self.directory]

    def backbone(self, fingerprint: str | None) -> Backbone:
        """Load the worker's backbone.

        Raises:
            OtherBackbone: it is not the one that the job was queued for.
            BackboneMismatch: it is not the one that what the job is to work on was made for.
        """
        self.report(Progress("backbone", 0, 1))
        from ltp.backbone.load import load_backbone

        with self.timings("backbone"):
            info = resolve(self.settings.backbone, cache_dir=self.settings.backbone_dir, progress=self.report)
            if self.job.backbone not in ("", info.fingerprint):
                raise OtherBackbone(f"the worker's backbone is now {info.name} ({info.fingerprint[:12]}...)")
            if fingerprint not in (None, info.fingerprint):
                raise BackboneMismatch(artefact=str(fingerprint), backbone=info.fingerprint)
            backbone = load_backbone(info, device=self.device)
        self.report(Progress("backbone", 1, 1))
        return backbone

    def checkpoints(self) -> Checkpoints:
        """Return this attempt's checkpoints, which also find those of earlier attempts, and say which they found."""
        from worker.checkpoints import ReportedCheckpoints

        return ReportedCheckpoints(
            self.directory, earlier=self.earlier, attempt=self.claim.attempt, tell=self.report.log
        )

    def finished(self, name: str) -> Path | None:
        """Return an artefact that an attempt completed before it was interrupted, if its file is here."""
        candidates = [directory / name for directory in (self.directory, *self.earlier)]
        return next((path for path in candidates if path.is_file()), None)

    def stage(self, path: Path, *, phase: str = "publish") -> str:
        """Store a file as a staged blob and read it back; return the blob's id."""
        return retry_while_unreachable(lambda: self._stage(path, phase), for_s=self.settings.lease_s)

    def _stage(self, path: Path, phase: str) -> str:
        size = path.stat().st_size
        blob = self.store.stage(
            self.job.tenant,
            path,
            job_id=self.job.id,
            on_chunk=lambda done: self.report(Progress(phase, done, size)),
        )
        self.store.verify(blob.id)
        self.store.verify_twin(blob.id)
        return blob.id

    def publish(self, write: Callable[[Session], object]) -> None:
        """Run the publishing transaction; again while the database is away, or when a twin was published meanwhile.

        A transaction that was committed although its answer got lost is met with `LeaseLost` the second time.
        """

        def publish() -> None:
            with self._publishing.write() as session:
                write(session)

        for left in reversed(range(PUBLISH_TRIES)):
            try:
                retry_while_unreachable(publish, for_s=self.settings.lease_s)
            except IntegrityError:
                if not left:
                    raise
            else:
                return


def _read(db: Database, job_id: str) -> JobRow:
    with db.read() as session:
        return session.get_one(JobRow, job_id)
