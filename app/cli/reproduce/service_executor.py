"""The executor whose cells are jobs of a service: submitted once, followed to their end, found again after a break."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from app.cli.failure import Failure
from app.cli.reproduce.compatibility import check_service
from app.cli.reproduce.requests import request_for
from app.cli.reproduce.results import outcome_of
from app.cli.reproduce.submitted_jobs import SubmittedJob, SubmittedJobs
from ltp.backbone.manifest import BackboneInfo
from ltp.progress import Progress, ProgressCallback
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, Outcome, TicketCell, TrainingCell
from ltp.reproduce.run.executor import FinishedCell
from ltp.reproduce.run.machine import machine

if TYPE_CHECKING:
    from app.cli.client import Client

POLL_S = 0.5
BUSY_WAIT_S = 600.0
"""How long a service may be away, or its queue full, before a run gives up; its jobs continue."""
DIVERGED = "training_diverged"
GONE = "_not_found"
"""The ending of every error code that says that there is no such thing."""
COLLECTIONS = {DriftCell: "tickets", TicketCell: "tickets", TrainingCell: "adapters", EvaluationCell: "predictions"}


class ServiceExecutor:
    """Works on as many cells as the service has workers. `folder` holds the list of submitted jobs."""

    def __init__(
        self, client: Client, backbone: BackboneInfo, data: DataFolder, sentences: Sequence[str], *, folder: Path
    ) -> None:
        """List the workers. Raises Failure if no service answers, LedgerMismatch if `folder` has another one's jobs."""
        self._client, self._backbone, self._data, self._sentences = client, backbone, data, sentences
        client.busy_wait_s = BUSY_WAIT_S
        self._workers = client.items("/workers")
        self._jobs = SubmittedJobs(folder, client.url)
        self._held: set[str] = set()
        self._stopped = threading.Event()
        self._threads = ThreadPoolExecutor(self.slots)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the jobs that are under way alone; a further run finds them."""
        self._stopped.set()
        self._threads.shutdown(cancel_futures=True)

    @property
    def slots(self) -> int:
        """One for each worker that was listed when this began."""
        return max(1, len(self._workers))

    def check(self, cells: Iterable[Cell]) -> None:
        """Refuse a service that would give other figures. Raises Failure."""
        check_service(self._client, cells, backbone=self._backbone, data=self._data)

    def submit(self, cell: Cell, progress: ProgressCallback) -> Future[FinishedCell]:
        """Submit the cell's job, or find the one that an earlier run submitted."""
        return self._threads.submit(self._do, cell, progress)

    def holds(self, cell: Cell) -> bool:
        """Whether the service has the cell's artefact."""
        if cell.id not in self._held and (job := self._jobs[cell.id]) and self._is_ready(cell, job):
            self._held.add(cell.id)
        return cell.id in self._held

    def release(self, cell: Cell) -> None:
        """Delete the cell's adapter and its predictions, which hold the pairs' texts."""
        if job := self._jobs[cell.id]:
            with suppress(Failure):
                for prediction in self._jobs.predictions_of(cell.id):
                    self._client.delete(f"/predictions/{prediction.resource}")
            with suppress(Failure):
                self._client.delete(f"/{COLLECTIONS[type(cell)]}/{job.resource}")
        self._held.discard(cell.id)

    def facts(self) -> dict[str, Any]:
        """Versions here, which are the service's too, and its workers."""
        workers = [f"{worker['host']} ({worker['device']})" for worker in self._workers]
        return {**machine(), "service": self._client.url, "workers": workers}

    def _do(self, cell: Cell, progress: ProgressCallback) -> FinishedCell:
        with tempfile.TemporaryDirectory(prefix="ltp-reproduce-") as scratch:
            submitted = self._usable_job(cell) or self._submitted(cell, Path(scratch))
            job = self._followed(submitted.job, progress)
            seconds = _seconds(job)
            if (job["error"] or {}).get("code") == DIVERGED:
                return FinishedCell({"diverged": job["error"]["detail"]}, seconds, 0.0)
            if job["status"] != "succeeded":
                error = job["error"] or {"code": job["status"], "detail": f"it was {job['status']}"}
                raise Failure(error["code"], f"{cell.id}, job {job['id']}: {error['detail']}")
            outcome = self._outcome(cell, submitted, Path(scratch))
        self._held.add(cell.id)
        return FinishedCell(outcome, seconds, 0.0)

    def _outcome(self, cell: Cell, submitted: SubmittedJob, scratch: Path) -> Outcome:
        return outcome_of(
            cell, submitted.resource, self._client, backbone=self._backbone, data=self._data, folder=scratch
        )

    def _usable_job(self, cell: Cell) -> SubmittedJob | None:
        """The job of an earlier run, if it is under way, diverged, or what it made is still there."""
        if (submitted := self._jobs[cell.id]) is None:
            return None
        if (job := self._get_or_none(f"/jobs/{submitted.job}")) is None:
            return None
        diverged = (job["error"] or {}).get("code") == DIVERGED
        usable = diverged or job["status"] in {"queued", "running"} or self._is_ready(cell, submitted)
        return submitted if usable else None

    def _submitted(self, cell: Cell, scratch: Path) -> SubmittedJob:
        """Submit the job. Submitted twice, because a run died before it saved this, it is one job by its key."""
        before = self._jobs[cell.id]
        attempt = before.attempt + 1 if before else 1
        request = request_for(cell, self._resource_of, data=self._data, sentences=self._sentences, folder=scratch)
        key = f"{self._jobs.run}/{cell.id}/{attempt}"
        accepted = self._client.post(request.path, request.body, files=request.files or None, key=key)
        training = cell.training.id if isinstance(cell, EvaluationCell) else None
        submitted = SubmittedJob(accepted["job"]["id"], accepted[request.resource]["id"], attempt, training)
        self._jobs.save(cell.id, submitted)
        return submitted

    def _resource_of(self, cell: Cell) -> str:
        submitted = self._jobs[cell.id]
        if submitted is None:
            raise Failure("not_there", f"{cell.id} was not made by the service at {self._client.url}")
        if isinstance(cell, DriftCell):
            return str(self._client.get(f"/tickets/{submitted.resource}")["drift"])
        return submitted.resource

    def _is_ready(self, cell: Cell, submitted: SubmittedJob) -> bool:
        resource = self._get_or_none(f"/{COLLECTIONS[type(cell)]}/{submitted.resource}")
        return resource is not None and resource["status"] == "ready"

    def _get_or_none(self, path: str) -> dict[str, Any] | None:
        """What the service answers, or None if there is no such thing any more."""
        try:
            return self._client.get(path)
        except Failure as failure:
            if not failure.code.endswith(GONE):
                raise
            return None

    def _followed(self, job_id: str, progress: ProgressCallback) -> dict[str, Any]:
        """Follow a job to its end. Raises Failure when the service is away for too long."""
        answered = time.monotonic()
        while not self._stopped.wait(POLL_S):
            try:
                job = self._client.get(f"/jobs/{job_id}")
            except Failure as failure:
                if not failure.passing or time.monotonic() - answered > BUSY_WAIT_S:
                    raise
                continue
            answered, now = time.monotonic(), job["progress"]
            progress(Progress(now["phase"] or job["status"], now["step"], now["total"], now["metrics"]))
            if job["finished_at"]:
                return job
        raise Failure("stopped", f"left job {job_id} alone; it goes on")


def _seconds(job: dict[str, Any]) -> float:
    """How long the last attempt at a job took."""
    ended = datetime.fromisoformat(job["finished_at"])
    return (ended - datetime.fromisoformat(job["started_at"])).total_seconds() if job["started_at"] else 0.0
