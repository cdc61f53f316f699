"""How much work is left and how long it will take: costs estimated beforehand, scaled by what was measured.

A cell under way is timed by its own steps as soon as it makes some: a first drift may take an hour.

The unit is one pair going once forward through the backbone; a training step counts three, as gradients cost two more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ltp.config import PAPER_EPOCHS
from ltp.progress import Progress
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, TicketCell, TrainingCell
from ltp.reproduce.plan.grid import Run

FORWARD_AND_BACK = 3.0
LINE = 1.2
"""Cost of a sentence of the MLM run in pairs: the loss over the whole vocabulary outweighs that it is shorter."""
BEGIN = {DriftCell.kind: 300.0, TicketCell.kind: 40.0, TrainingCell.kind: 150.0, EvaluationCell.kind: 60.0}
"""What a cell takes whatever its size: reading and writing artefacts, first steps."""
LABELS = 3
LONG = ("training", "scoring")
"""The phases of a cell that take its time, and whose steps are alike."""
SECONDS = 1 / 150
"""Assumed for a unit before anything was measured: `mini` on two cores in bf16."""


@dataclass(frozen=True)
class WorkSizes:
    """What a cell's cost depends on apart from the cell: the number of sentences, and of test pairs a language."""

    sentences: int
    pairs: dict[tuple[str, str], int]
    """By benchmark and language."""


def cost(cell: Cell, sizes: WorkSizes) -> float:
    """Units of work in a cell."""
    return BEGIN[cell.kind] + _work(cell, sizes)


def _work(cell: Cell, sizes: WorkSizes) -> float:
    match cell:
        case DriftCell():
            lines = min(cell.config.sample or sizes.sentences, sizes.sentences)
            return LINE * FORWARD_AND_BACK * lines * cell.config.epochs
        case TicketCell():
            return 0.0
        case TrainingCell():
            return (cell.config.epochs or PAPER_EPOCHS) * (FORWARD_AND_BACK + 1) * LABELS * cell.draw.shots
        case EvaluationCell():
            pairs = (sizes.pairs[cell.suite, language] for language in cell.languages)
            return float(sum(min(cell.pairs or there, there) for there in pairs))


def _kind(cell: Cell) -> str:
    """What is timed apart: trainings differ by method, since some step all parameters."""
    return f"{cell.kind} {cell.method}" if isinstance(cell, TrainingCell) else cell.kind


class RemainingTime:
    """Seconds a unit of each kind of cell has taken so far, and with that the seconds that are left."""

    def __init__(self, sizes: WorkSizes, *, slots: int = 1) -> None:
        self._sizes, self._slots = sizes, slots
        self._units: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def add(self, cell: Cell, seconds: float) -> None:
        """Count in a finished cell and the time it took."""
        kind = _kind(cell)
        self._units[kind] = self._units.get(kind, 0.0) + cost(cell, self._sizes)
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds

    def of_cell(self, cell: Cell) -> float:
        """How long a cell will take: at the rate measured for its kind, else for all kinds, else as assumed."""
        if units := self._units.get(_kind(cell)):
            rate = self._seconds[_kind(cell)] / units
        elif units := sum(self._units.values()):
            rate = sum(self._seconds.values()) / units
        else:
            rate = SECONDS
        return rate * cost(cell, self._sizes)

    def of_all(self, pending: Iterable[Cell], expected: Iterable[Run]) -> float:
        """Seconds until all `pending` and `expected` are done, on every slot at once."""
        expected_cells = (cell for run in expected for cell in (run.training, run.evaluation))
        return (sum(map(self.of_cell, pending)) + sum(map(self.of_cell, expected_cells))) / self._slots


class CellTimer:
    """A cell under way: seconds it was `expected` to take, and what its own steps say since."""

    def __init__(self, expected: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._expected, self._clock = expected, clock
        self._end = clock() + expected
        self._phase, self._first, self._since = "", 0, 0.0

    def update(self, within: Progress) -> None:
        """Note where the cell is. One that resumes from a checkpoint is timed by the steps it makes now."""
        if within.phase not in LONG:
            return
        now = self._clock()
        if within.phase != self._phase:
            self._phase, self._first, self._since = within.phase, within.step, now
        elif within.step > self._first:
            a_step = (now - self._since) / (within.step - self._first)
            self._end = now + a_step * (within.total - within.step)

    def worked_off(self) -> float:
        """Seconds of the expected that are no longer to be waited for; negative once the cell will take longer."""
        return self._expected - max(0.0, self._end - self._clock())
