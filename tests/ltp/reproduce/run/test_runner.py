"""The runner: needs first, nothing twice, every result kept at once, and nothing held longer than it is needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.reproducing import IDENTITY, MadeUpExecutor, grid_of, made_up, setting, small

from ltp.errors import CorruptArtifact
from ltp.progress import Progress
from ltp.reproduce.plan.cell import Cell, EvaluationCell, Outcome, TrainingCell
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.run.eta import CellTimer, RemainingTime, WorkSizes, cost
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import ExperimentRunner, RunProgress


def run(grid: Grid, folder: Path, executor: MadeUpExecutor) -> dict[str, Outcome]:
    with Ledger(folder, IDENTITY) as ledger:
        ExperimentRunner(grid, ledger, executor).run()
        return ledger.outcomes


@pytest.mark.parametrize("slots", [1, 4])
def test_everything_is_done_once(grid: Grid, tmp_path: Path, slots: int) -> None:
    executor = MadeUpExecutor(slots=slots)
    outcomes = run(grid, tmp_path, executor)

    assert {cell.id for cell in grid.cells(outcomes)} == set(outcomes)
    assert max(Counter(cell.id for cell in executor.begun).values()) == 1
    assert executor.busiest <= slots
    assert outcomes == {cell.id: made_up(cell) for cell in executor.begun}
    runs = grid.runs(outcomes)
    assert {run.track for run in runs} == {"paper", "best"}


def test_adapters_are_let_go_once_they_are_scored_or_not_chosen(grid: Grid, tmp_path: Path) -> None:
    executor = MadeUpExecutor()
    outcomes = run(grid, tmp_path, executor)

    trainings = {cell.id for cell in grid.cells(outcomes) if isinstance(cell, TrainingCell)}
    assert set(executor.released) == trainings
    assert not executor.held & trainings


def test_a_run_that_broke_goes_on_with_the_next_cell(grid: Grid, tmp_path: Path) -> None:
    def broken(cell: Cell) -> Outcome | None:
        if isinstance(cell, EvaluationCell) and cell.training.draw.seed == 1:
            raise CorruptArtifact("the disk is full")
        return None

    first = MadeUpExecutor(spoil=broken)
    with pytest.raises(CorruptArtifact, match="the disk is full"):
        run(grid, tmp_path, first)
    second = MadeUpExecutor()
    second.held = first.held
    outcomes = run(grid, tmp_path, second)

    again = {cell.id for cell in first.begun} & {cell.id for cell in second.begun}
    assert again == {first.begun[-1].id}
    assert outcomes == {cell.id: made_up(cell) for cell in grid.cells(outcomes)}


def test_a_failure_keeps_what_finished_beside_it(grid: Grid, tmp_path: Path) -> None:
    def broken(cell: Cell) -> Outcome | None:
        if isinstance(cell, EvaluationCell):
            raise CorruptArtifact("no")
        return None

    executor = MadeUpExecutor(slots=3, spoil=broken)
    with pytest.raises(CorruptArtifact):
        run(grid, tmp_path, executor)
    with Ledger(tmp_path, IDENTITY) as ledger:
        assert ledger.records


def test_an_artefact_that_is_gone_is_made_again_if_it_is_needed(grid: Grid, data: Path, tmp_path: Path) -> None:
    run(grid, tmp_path, MadeUpExecutor())
    more = grid_of(small(seeds=3), data)
    executor = MadeUpExecutor()
    run(more, tmp_path, executor)

    counts = Counter(cell.kind for cell in executor.begun)
    assert counts["drift"] == 1
    assert counts["ticket"] == 2
    assert {cell.draw.seed for cell in executor.begun if isinstance(cell, TrainingCell)} == {2}


def test_a_finished_experiment_asks_nothing(grid: Grid, tmp_path: Path) -> None:
    run(grid, tmp_path, MadeUpExecutor())
    executor = MadeUpExecutor()
    run(grid, tmp_path, executor)

    assert executor.begun == []


def test_a_rate_that_diverges_is_not_chosen_and_not_scored(data: Path, tmp_path: Path) -> None:
    def diverging(cell: Cell) -> Outcome | None:
        high = isinstance(cell, TrainingCell) and cell.config.learning_rate == 1e-2
        return {"diverged": "the loss is nan"} if high else None

    grid = grid_of(small(), data)
    outcomes = run(grid, tmp_path, MadeUpExecutor(spoil=diverging))

    assert {choice.rate for choice in grid.choices(outcomes).values()} == {1e-3}
    assert {cell.id for cell in grid.cells(outcomes)} == set(outcomes)


def test_progress_tells_how_much_is_left(grid: Grid, tmp_path: Path) -> None:
    told: list[RunProgress] = []
    with Ledger(tmp_path, IDENTITY) as ledger:
        ExperimentRunner(grid, ledger, MadeUpExecutor(), told.append).run()

    assert [state.done for state in told] == sorted(state.done for state in told)
    assert all(0 <= state.done <= state.total for state in told)
    assert (told[-1].done, told[-1].eta_s) == (told[-1].total, 0)
    assert any(state.within and state.within.phase == "made up" for state in told)
    assert told[0].eta_s > 0


def test_remaining_time_is_measured_by_kind(grid: Grid) -> None:
    sizes = WorkSizes(40, {("xnli", language): 72 for language in ("en", "es")})
    cells = grid.cells({})
    training = next(cell for cell in cells if isinstance(cell, TrainingCell) and cell.draw.shots == 4)
    evaluation = next(cell for cell in cells if isinstance(cell, EvaluationCell))
    remaining = RemainingTime(sizes, slots=2)

    more, longer = replace(evaluation, pairs=40), replace(training, config=replace(training.config, epochs=5))
    assert cost(more, sizes) - cost(evaluation, sizes) == 2 * (40 - 20)
    assert cost(longer, sizes) - cost(training, sizes) == (5 - 2) * (3 + 1) * 12
    assert cost(replace(evaluation, pairs=1), sizes) > 2, "a cell takes something whatever its size"
    before = remaining.of_cell(training)
    remaining.add(training, 10 * before)
    assert remaining.of_cell(training) == pytest.approx(10 * before)
    remaining.add(evaluation, 7.0)
    assert remaining.of_cell(evaluation) == pytest.approx(7.0)
    assert remaining.of_all([training, evaluation], []) == pytest.approx((10 * before + 7) / 2)


def test_a_cell_under_way_is_timed_by_its_own_steps() -> None:
    now = 100.0
    timer = CellTimer(expected=60, clock=lambda: now)

    def after(seconds: float, phase: str, step: int) -> float:
        nonlocal now
        now += seconds
        timer.update(Progress(phase, step, 50))
        return timer.worked_off()

    assert timer.worked_off() == 0
    assert after(10, "tokenizing", 50) == 10
    assert after(5, "training", 20) == 15, "from a checkpoint: these steps were not made now"
    assert after(20, "training", 25) == 60 - 25 * 4
    assert after(4, "validating", 7) == 60 - 25 * 4 + 4
    assert after(100, "training", 50) == 60
    assert after(3, "scoring", 1) == 60


def test_in_language_runs_through(data: Path, tmp_path: Path) -> None:
    own = setting(
        name="in-language", pool="americasnli", test="americasnli", train="each", languages=("aym", "quy"), shots=(2,)
    )
    grid = grid_of(small(settings=(own,)), data)
    outcomes = run(grid, tmp_path, MadeUpExecutor(slots=2))

    assert {cell.id for cell in grid.cells(outcomes)} == set(outcomes)
