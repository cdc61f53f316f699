"""The protocol between the runner and what does the cells, in this process (`in_process`) or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from ltp.progress import ProgressCallback
from ltp.reproduce.plan.cell import Cell, Outcome


@dataclass(frozen=True)
class FinishedCell:
    """A cell's outcome, and what it took."""

    outcome: Outcome
    seconds: float
    peak_rss_mb: float


class Executor(Protocol):
    """Does cells, and keeps the artefacts that further cells need: drifts, tickets and adapters, by the cell's id.

    The same cell always gives the same outcome. A training whose loss is no number gives `{"diverged": reason}`; every
    other failure is an exception in the future, and ends the run.
    """

    @property
    def slots(self) -> int:
        """How many cells it works on at a time."""

    def check(self, cells: Iterable[Cell]) -> None:
        """Raise, before anything is begun, the errors of these cells that can be foreseen."""

    def submit(self, cell: Cell, progress: ProgressCallback) -> Future[FinishedCell]:
        """Begin a cell whose needs are all held; it may be finished before this returns."""

    def holds(self, cell: Cell) -> bool:
        """Whether the cell's artefact is here."""

    def release(self, cell: Cell) -> None:
        """Let the cell's artefact go, if it is here; nothing needs it any more."""

    def facts(self) -> dict[str, Any]:
        """Machine, device and versions, for the report."""
