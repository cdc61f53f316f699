"""Doing what is not in the ledger, in order, each cell kept before the next is begun."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Protocol

from ltp.progress import Progress, ProgressCallback
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.machine import peak_rss_mb
from ltp.reproduce.run.runner import RunCallback, RunProgress
from ltp.reproduce.transfer.cell import RecipeCell, TextCell, TransferCell

ASSUMED_S = 60.0
"""Seconds of a cell before any was measured."""


class Worker(Protocol):
    """What does the cells."""

    def holds(self, cell: TextCell) -> bool:
        """Whether a language's delta is there."""

    def do(self, cell: TransferCell, progress: ProgressCallback) -> Outcome:
        """Do a cell."""


class TransferRunner:
    """Works through the cells of a grid. After an interruption, another one on the same ledger goes on."""

    def __init__(
        self, cells: list[TransferCell], ledger: Ledger, worker: Worker, progress: RunCallback | None = None
    ) -> None:
        self._cells, self._ledger, self._worker = cells, ledger, worker
        self._report = progress or (lambda _: None)
        self._counts = (0, 0.0)

    def run(self) -> None:
        """Do everything. Raises what a cell raises."""
        self._count()
        for cell in self._cells:
            if cell.id not in self._ledger.records:
                for each in (*self._missing(cell), cell):
                    self._do(each)
                self._count()
        self._notify("finished", None)

    def _missing(self, cell: TransferCell) -> Iterator[TextCell]:
        """The language's delta, also one that is done and whose file is gone."""
        yield from (need for need in cell.needs if not self._worker.holds(need))

    def _do(self, cell: TransferCell) -> None:
        said, begin = f"{cell.kind} {cell.label}", time.monotonic()
        self._notify(said, None)
        outcome = self._worker.do(cell, lambda within: self._notify(said, within))
        self._ledger.save(cell, outcome, seconds=time.monotonic() - begin, peak_rss_mb=peak_rss_mb())

    def _count(self) -> None:
        """Count what is done, and estimate what is left; between two cells none of it changes."""
        left = [each for each in self._cells if each.id not in self._ledger.records]
        self._counts = len(self._cells) - len(left), self._seconds(left)

    def _notify(self, cell: str, within: Progress | None) -> None:
        done, seconds = self._counts
        self._report(RunProgress(done, len(self._cells), cell, within, seconds))

    def _seconds(self, left: list[TransferCell]) -> float:
        """What is left, each cell at the mean of those like it, else of all."""
        taken: dict[str, list[float]] = defaultdict(list)
        for cell in self._cells:
            if record := self._ledger.records.get(cell.id):
                taken[_like(cell)].append(record.seconds)
        every = [seconds for each in taken.values() for seconds in each]
        usual = sum(every) / len(every) if every else ASSUMED_S
        return sum(sum(own) / len(own) if (own := taken.get(_like(cell))) else usual for cell in left)


def _like(cell: TransferCell) -> str:
    """What cells that take about as long have in common."""
    return f"{cell.recipe.name} {cell.draw.shots}" if isinstance(cell, RecipeCell) else cell.kind
