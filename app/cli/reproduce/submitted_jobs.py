"""The job that was submitted for each cell, kept in one file so that a later run finds it."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from ltp import atomic_file
from ltp.errors import LedgerMismatch

FILE = "service.json"


@dataclass(frozen=True)
class SubmittedJob:
    """The newest job of a cell, what it makes, and how often the cell was submitted."""

    job: str
    resource: str
    attempt: int
    training: str | None = None
    """Of a prediction: the cell of the adapter that made it; deleted together with the adapter."""


class SubmittedJobs:
    """One file in a run's folder. Its `run` is part of every idempotency key: another folder has jobs of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        """Open or begin the file.

        Raises:
            LedgerMismatch: its jobs are another service's, or it cannot be read.
        """
        self._path, self._lock = folder / FILE, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.run, self._url, self._jobs = str(uuid.uuid4()), url, dict[str, SubmittedJob]()
        if self._path.exists():
            self._read()
        else:
            self._write()

    def __getitem__(self, cell_id: str) -> SubmittedJob | None:
        return self._jobs.get(cell_id)

    def save(self, cell_id: str, job: SubmittedJob) -> None:
        """Write a job down; it is on disk once this returns."""
        with self._lock:
            self._jobs[cell_id] = job
            self._write()

    def predictions_of(self, cell_id: str) -> list[SubmittedJob]:
        """The predictions of a training's adapter."""
        return [job for job in self._jobs.values() if job.training == cell_id]

    def _read(self) -> None:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            self.run, url = str(content["run"]), content["url"]
            self._jobs = {cell: SubmittedJob(**job) for cell, job in content["cells"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerMismatch(f"{self._path} cannot be read ({error!r}); name another folder") from error
        if url != self._url:
            raise LedgerMismatch(
                f"the drifts, tickets and adapters of {self._path.parent.parent} are kept by the service at {url}, not"
                f" by {self._url}. Name that one, or another folder"
            )

    def _write(self) -> None:
        cells = {cell: asdict(job) for cell, job in self._jobs.items()}
        atomic_file.write_text(self._path, json.dumps({"run": self.run, "url": self._url, "cells": cells}, indent=1))
