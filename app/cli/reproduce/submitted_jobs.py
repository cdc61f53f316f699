"""What was asked of the service for each cell, in one file: found again by a run that goes on."""

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
    """The newest job of a cell, what it makes, and how often the cell was ordered."""

    job: str
    resource: str
    attempt: int
    of: str | None = None
    """Of a prediction: the cell of the adapter that judges, with which it goes."""


class SubmittedJobs:
    """One file in a run's folder. Its `run` is part of every idempotency key: another folder has jobs of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        """Open or begin the file.

        Raises:
            LedgerMismatch: its jobs are another service's, or it cannot be read.
        """
        self._path, self._lock = folder / FILE, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.run, self._url, self._notes = str(uuid.uuid4()), url, dict[str, SubmittedJob]()
        if self._path.exists():
            self._read()
        else:
            self._write()

    def __getitem__(self, cell_id: str) -> SubmittedJob | None:
        return self._notes.get(cell_id)

    def keep(self, cell_id: str, note: SubmittedJob) -> None:
        """Write a note down; it is there once this returns."""
        with self._lock:
            self._notes[cell_id] = note
            self._write()

    def judged_by(self, cell_id: str) -> list[SubmittedJob]:
        """The predictions of a training's adapter."""
        return [note for note in self._notes.values() if note.of == cell_id]

    def _read(self) -> None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self.run, url = str(found["run"]), found["url"]
            self._notes = {cell: SubmittedJob(**note) for cell, note in found["cells"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerMismatch(f"{self._path} cannot be read ({error!r}); name another folder") from error
        if url != self._url:
            raise LedgerMismatch(
                f"the drifts, tickets and adapters of {self._path.parent.parent} are kept by the service at {url}, not"
                f" by {self._url}. Name that one, or another folder"
            )

    def _write(self) -> None:
        cells = {cell: asdict(note) for cell, note in self._notes.items()}
        atomic_file.write_text(self._path, json.dumps({"run": self.run, "url": self._url, "cells": cells}, indent=1))
