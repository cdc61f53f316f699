"""A small experiment, and executors for tests of what plans, runs and reports: one that makes outcomes up."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ltp.progress import Progress, ProgressCallback
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import read_text
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, Outcome, TicketCell, TrainingCell
from ltp.reproduce.plan.experiment import Experiment, Setting
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.run.executor import FinishedCell
from ltp.reproduce.run.identity import Identity

IDENTITY = Identity("f" * 64, "1", {"torch": "2"}, {"xnli/dev-en.tsv": "a" * 64})


def setting(**changes: Any) -> Setting:
    """Three methods from English into two languages; a third has no test file."""
    given = {
        "name": "zero-shot",
        "title": "From English",
        "pool": "xnli",
        "train": "en",
        "test": "xnli",
        "languages": ("en", "es", "sw"),
        "shots": (1, 4),
        "methods": tuple(map(Variant.parse, ("pt", "ltp@20", "ltp@5"))),
        "paper": "table1",
    }
    return Setting(**{**given, **changes})


def small(**changes: Any) -> Experiment:
    """An experiment that the tiny backbone does in a second or two."""
    given = {
        "name": "small",
        "title": "Small",
        "about": "A small experiment.",
        "settings": (setting(),),
        "seeds": 2,
        "rates": (1e-3, 1e-2),
        "search_shots": 4,
        "epochs": 2,
        "sentences": 40,
        "passes": 1,
        "pairs": 20,
    }
    return Experiment(**{**given, **changes})


def grid_of(experiment: Experiment, data: Path) -> Grid:
    """Its grid over a data folder."""
    return Grid(experiment, DataFolder(data), read_text(data, None, sentences=experiment.sentences))


class MadeUpExecutor:
    """Makes outcomes up, the same for the same cell, on as many threads as it has slots; keeps what it was asked."""

    def __init__(self, *, slots: int = 1, spoil: Callable[[Cell], Outcome | None] = lambda _: None) -> None:
        self.slots, self._spoil = slots, spoil
        self.begun: list[Cell] = []
        self.held: set[str] = set()
        self.released: list[str] = []
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(slots)

    def check(self, cells: Iterable[Cell]) -> None:
        """Everything can be done."""

    def submit(self, cell: Cell, progress: ProgressCallback) -> Future[FinishedCell]:
        """Begin the cell on a thread."""
        self.begun.append(cell)
        missing = [need.id for need in cell.needs if need.id not in self.held]
        assert not missing, f"{cell.id} was begun without {missing}"
        return self._threads.submit(self._do, cell, progress)

    def _do(self, cell: Cell, progress: ProgressCallback) -> FinishedCell:
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        progress(Progress("made up", 1, 1))
        outcome = self._spoil(cell) or made_up(cell)
        with self._lock:
            self._busy -= 1
            if not isinstance(cell, EvaluationCell) and "diverged" not in outcome:
                self.held.add(cell.id)
        return FinishedCell(outcome, 0.5, 100.0)

    def holds(self, cell: Cell) -> bool:
        """Whether it was done and not released."""
        return cell.id in self.held

    def release(self, cell: Cell) -> None:
        """Forget it."""
        if cell.id in self.held:
            self.held.discard(cell.id)
            self.released.append(cell.id)

    def facts(self) -> dict[str, Any]:
        """A machine."""
        return {"processor": "made up", "cores": self.slots, "python": "3", "versions": {"torch": "2"}}


def made_up(cell: Cell) -> Outcome:
    """What a cell might say; better for more shots and higher rates."""
    rng = random.Random(cell.id)
    match cell:
        case DriftCell():
            return {"moved": 10, "selectable": 100}
        case TicketCell():
            shares = [{"layer": layer, "active": 5, "share": 0.5, "density": 0.1} for layer in ("embeddings", 1)]
            own = {"model": 0.6, "unfrozen": 0.6}
            counts = {"active": 10, "selectable": 100, "moved": 50, "zero_drift": 0, "sha256": cell.id}
            return {**counts, "embeddings_own_share": own, "distribution": shares}
        case TrainingCell():
            accuracy = 0.3 + 0.1 * rng.random() + (cell.config.learning_rate or 0)
            return {
                "dev": {"accuracy": accuracy, "loss": 1.0, "macro_f1": 0.3, "interval": [0.2, 0.5]},
                "best_epoch": 1,
            }
        case EvaluationCell():
            pairs = cell.pairs or 72
            scores = {
                language: {"pairs": pairs, "predicted": "".join(rng.choice("012") for _ in range(pairs))}
                for language in cell.languages
            }
            return {"languages": scores}
