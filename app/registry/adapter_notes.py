"""What is noted about an adapter on its row: hyperparameters, scores, the course of its training. Bounded in bytes.

Details go first where it is too much: the course of every epoch, the scores of every seed, the report. What is left
is as large as a configuration and a table of scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

KEPT_BYTES = 1024 * 1024
"""Most of an adapter that was trained here."""
READINGS = "readings"
"""Where `examples` keeps what was understood of each part's file, without any of its rows."""
SOURCES = "sources"
"""Where `examples` keeps the languages of several files, with their weights."""
CARRIED_BYTES = 64 * 1024
"""Most that an export carries, and that an import keeps."""


@dataclass(frozen=True)
class AdapterNotes:
    """The three columns of an adapter's row that hold JSON."""

    training: dict[str, Any]
    metrics: dict[str, Any]
    examples: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes of the three as they are stored, near enough."""
        columns = (self.training, self.metrics, self.examples)
        return sum(len(json.dumps(column, ensure_ascii=False, separators=(",", ":")).encode()) for column in columns)

    def within(self, most: int) -> AdapterNotes:
        """Return these notes, without as many of their details as are too much; they may be larger still."""
        notes = self
        for leave_out in LEAVE_OUT:
            if notes.size <= most:
                break
            notes = leave_out(notes)
        return notes

    @property
    def brief(self) -> AdapterNotes:
        """Return these notes without any details, as lists show them."""
        return _without_report(_without_seeds(without_readings(self)))


def _without_courses(notes: AdapterNotes) -> AdapterNotes:
    report = notes.training.get("report")
    if not isinstance(report, dict):
        return notes
    kept = {name: value for name, value in report.items() if name != "courses"}
    return replace(notes, training={**notes.training, "report": kept})


def _without_seeds(notes: AdapterNotes) -> AdapterNotes:
    return replace(notes, metrics={name: value for name, value in notes.metrics.items() if name != "per_seed"})


def _without_report(notes: AdapterNotes) -> AdapterNotes:
    return replace(notes, training={name: value for name, value in notes.training.items() if name != "report"})


def without_readings(notes: AdapterNotes) -> AdapterNotes:
    """Return notes without what was understood of the files that were trained on."""
    return replace(notes, examples={name: value for name, value in notes.examples.items() if name != READINGS})


LEAVE_OUT: tuple[Callable[[AdapterNotes], AdapterNotes], ...] = (
    _without_courses,
    _without_seeds,
    _without_report,
    without_readings,
)
