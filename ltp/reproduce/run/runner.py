"""Doing a grid's cells: what is not in the ledger, after what it needs, each kept before the next is begun."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from ltp.progress import Progress
from ltp.reproduce.plan.cell import Cell, TrainingCell
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.run.eta import CellTimer, RemainingTime, WorkSizes
from ltp.reproduce.run.executor import Executor, FinishedCell
from ltp.reproduce.run.ledger import Ledger


@dataclass(frozen=True)
class RunProgress:
    """How far the run is: cells done of those known and expected, what is being worked on, and seconds left."""

    done: int
    total: int
    cell: str
    within: Progress | None
    """Where the cell itself is."""
    eta_s: float


RunCallback = Callable[[RunProgress], None]


class ExperimentRunner:
    """Works through a grid. After an interruption, another one on the same ledger continues with the next cell."""

    def __init__(self, grid: Grid, ledger: Ledger, executor: Executor, progress: RunCallback | None = None) -> None:
        self._grid, self._ledger, self._executor = grid, ledger, executor
        self._report = progress or (lambda _: None)
        self._remaining = RemainingTime(_sizes(grid), slots=executor.slots)
        self._running: dict[Future[FinishedCell], Cell] = {}
        self._timers: dict[str, CellTimer] = {}
        self._counts = (0, 0, 0.0)

    def run(self) -> None:
        """Do everything. Raises what a cell raises, once the others under way are kept."""
        known = self._grid.cells(self._ledger.outcomes)
        self._executor.check(known)
        for cell in known:
            if record := self._ledger.records.get(cell.id):
                self._remaining.add(cell, record.seconds)
        self._count()
        failures: list[BaseException] = []
        while True:
            for cell in [] if failures else self._due():
                if len(self._running) < self._executor.slots and self._ready(cell):
                    self._begin(cell)
            if not self._running:
                break
            failures += self._collect()
        if failures:
            raise failures[0]
        self._release()
        self._notify("finished", None)

    def _due(self) -> list[Cell]:
        """Cells that are still to be done, needs first, without those under way.

        A finished cell is due again when its artefact is gone and something that is due needs it.
        """
        outcomes = self._ledger.outcomes
        due: dict[str, Cell] = {}

        def require(cell: Cell) -> None:
            for need in cell.needs:
                if need.id not in outcomes or not self._executor.holds(need):
                    require(need)
            due.setdefault(cell.id, cell)

        for cell in self._grid.cells(outcomes):
            if cell.id not in outcomes:
                require(cell)
        under_way = {cell.id for cell in self._running.values()}
        return [cell for cell in due.values() if cell.id not in under_way]

    def _ready(self, cell: Cell) -> bool:
        under_way = {other.id for other in self._running.values()}
        return cell.id not in under_way and all(
            need.id in self._ledger.records and need.id not in under_way and self._executor.holds(need)
            for need in cell.needs
        )

    def _begin(self, cell: Cell) -> None:
        said = f"{cell.kind} {cell.label}"
        timer = self._timers[cell.id] = CellTimer(self._remaining.of_cell(cell))
        self._notify(said, None)

        def update(within: Progress) -> None:
            timer.update(within)
            self._notify(said, within)

        self._running[self._executor.submit(cell, update)] = cell

    def _collect(self) -> list[BaseException]:
        """Keep what is finished; return the failures."""
        failures: list[BaseException] = []
        for future in wait(self._running, return_when=FIRST_COMPLETED).done:
            cell = self._running.pop(future)
            self._timers.pop(cell.id, None)
            if error := future.exception():
                failures.append(error)
                continue
            done = future.result()
            self._ledger.save(cell, done.outcome, seconds=done.seconds, peak_rss_mb=done.peak_rss_mb)
            self._remaining.add(cell, done.seconds)
        self._count()
        self._release()
        return failures

    def _release(self) -> None:
        """Let adapters go that nothing will score any more: a dense one is as large as the backbone."""
        outcomes = self._ledger.outcomes
        due = [*self._due(), *self._running.values()]
        wanted = {need.id for cell in due for need in cell.needs} | self._grid.kept(outcomes)
        for cell in self._grid.cells(outcomes):
            if isinstance(cell, TrainingCell) and cell.id in outcomes and cell.id not in wanted:
                self._executor.release(cell)

    def _count(self) -> None:
        """Count what is done and known, and estimate what is left; between two cells none of it changes."""
        outcomes = self._ledger.outcomes
        known, expected = self._grid.cells(outcomes), self._grid.unknown(outcomes)
        pending = [cell for cell in known if cell.id not in outcomes]
        left = self._remaining.of_all(pending, expected)
        self._counts = (len(known) - len(pending), len(known) + 2 * len(expected), left)

    def _notify(self, cell: str, within: Progress | None) -> None:
        done, total, left = self._counts
        worked_off = sum(timer.worked_off() for timer in list(self._timers.values())) / self._executor.slots
        self._report(RunProgress(done, total, cell, within, max(0.0, left - worked_off)))


def _sizes(grid: Grid) -> WorkSizes:
    tested = {
        (setting.test, language) for setting in grid.experiment.settings for language in grid.scored[setting.name]
    }
    pairs = {(name, language): len(grid.data.suite(name).file("test", language)) for name, language in tested}
    return WorkSizes(grid.sentences, pairs)
