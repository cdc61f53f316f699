"""The cells done for real, on the tiny backbone: what training begins from, and what calibration changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.transferring import small_transfer

from ltp.backbone.load import Backbone
from ltp.calibration import Calibration
from ltp.errors import TrainingDiverged
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.cell import RecipeCell, TextCell, TransferCell, ZeroShotCell
from ltp.reproduce.transfer.experiment import Recipe, Step
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.scoring import score_file
from ltp.reproduce.transfer.starters import Starter
from ltp.reproduce.transfer.work import TransferWorker


def quiet(_: object) -> None:
    """No progress."""


@pytest.fixture
def cells(data: Path, starters: tuple[Starter, ...]) -> TransferGrid:
    """Each recipe of the small experiment once, in one language with a text."""
    plan = small_transfer(
        targets=(replace(small_transfer().targets[0], languages=("aym",)),),
        steps=(Step(recipes=("zero-shot", "started", "text", "ft-started", "paper"), lines=("clean",), shots=("2",)),),
        goals=(),
        seeds=1,
        pairs=12,
    )
    return TransferGrid(plan, DataFolder(data), starters)


@pytest.fixture
def worker(tiny_backbone: Backbone, cells: TransferGrid, tmp_path: Path) -> TransferWorker:
    return TransferWorker(tiny_backbone, cells, folder=tmp_path / "artefacts")


def of_recipe(cells: TransferGrid, name: str) -> Iterator[TransferCell]:
    """The recipe's cell after what it needs."""
    for run in cells.runs:
        if run.recipe.name == name:
            yield from (*run.cell.needs, run.cell)


def test_zero_shot_is_the_starter_as_it_answers(
    worker: TransferWorker, cells: TransferGrid, starters: tuple[Starter, ...], tiny_backbone: Backbone
) -> None:
    (cell,) = of_recipe(cells, "zero-shot")
    assert isinstance(cell, ZeroShotCell)
    outcome = worker.do(cell, quiet)
    examples = cells.data.suite("americasnli").file("test", "aym").examples[:12]
    of_other = score_file(
        tiny_backbone, starters[1].adapter, starters[1].ticket, examples, precision="fp32", progress=quiet, device="cpu"
    )
    own = score_file(
        tiny_backbone, starters[0].adapter, starters[0].ticket, examples, precision="fp32", progress=quiet, device="cpu"
    )
    assert outcome == own
    assert outcome["loss"] != of_other["loss"]
    assert len(outcome["predicted"]) == outcome["pairs"] == 12
    assert outcome["raw"] == {"ece": outcome["ece"], "loss": outcome["loss"]}


def test_what_calibration_changes_is_told_from_one_pass(
    cells: TransferGrid, starters: tuple[Starter, ...], tiny_backbone: Backbone
) -> None:
    examples = cells.data.suite("americasnli").file("test", "aym").examples[:12]
    starter = starters[0]
    plain, calibrated = (
        score_file(tiny_backbone, adapter, starter.ticket, examples, precision="fp32", progress=quiet, device="cpu")
        for adapter in (
            starter.adapter,
            replace(starter.adapter, calibration=Calibration(2.5, (0.2, -0.3, 0.1))),
        )
    )
    assert calibrated["loss"] != pytest.approx(plain["loss"], abs=1e-4)
    assert calibrated["raw"]["loss"] == pytest.approx(plain["loss"], abs=1e-4)
    assert calibrated["raw"]["ece"] == pytest.approx(plain["ece"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["started", "ft-started", "paper"])
def test_a_recipe_is_trained_scored_and_leaves_no_file(
    worker: TransferWorker, cells: TransferGrid, tmp_path: Path, name: str
) -> None:
    (cell,) = of_recipe(cells, name)
    outcome = worker.do(cell, quiet)
    assert np.isfinite(outcome["loss"])
    assert outcome["bytes"] > 0
    assert outcome["seconds"] > 0
    assert sum(outcome["report"]["parameters"].values()) > 0
    assert list((tmp_path / "artefacts").iterdir()) == []


@pytest.mark.slow
def test_a_language_s_text_is_kept_and_trained_on(worker: TransferWorker, cells: TransferGrid) -> None:
    text, cell = of_recipe(cells, "text")
    assert isinstance(text, TextCell)
    assert not worker.holds(text)
    told = worker.do(text, quiet)
    assert worker.holds(text)
    assert told["report"]["held_out"]["before"] > 0
    with_text = worker.do(cell, quiet)
    (plain,) = of_recipe(cells, "started")
    assert with_text["raw"]["loss"] != worker.do(plain, quiet)["raw"]["loss"]


@pytest.mark.slow
def test_what_trains_everything_begins_from_the_starters_values(worker: TransferWorker, cells: TransferGrid) -> None:
    (cell,) = of_recipe(cells, "ft-started")
    assert isinstance(cell, RecipeCell)
    still = Recipe(name="still", title="", method="sp", estimate="holdout", epochs=1, learning_rate=1e-12)
    outcome = worker.do(replace(cell, recipe=still), quiet)
    zero_shot = next(of_recipe(cells, "zero-shot"))
    assert outcome["predicted"] == worker.do(zero_shot, quiet)["predicted"]


def test_a_loss_that_is_no_number_is_an_outcome(worker: TransferWorker, cells: TransferGrid) -> None:
    def diverge(_: object) -> None:
        raise TrainingDiverged("the loss of step 1 is nan")

    (cell,) = of_recipe(cells, "paper")
    assert worker.do(cell, diverge) == {"diverged": "the loss of step 1 is nan"}
