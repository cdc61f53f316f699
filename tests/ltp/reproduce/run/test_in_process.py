"""The executor in this process: real cells on the tiny backbone, and a run that is killed and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from support.needs import SLOW, needs
from support.reproducing import grid_of, setting, small

from ltp.backbone.load import Backbone
from ltp.errors import InvalidConfig
from ltp.progress import Progress
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.data.text import read_text
from ltp.reproduce.plan.cell import Cell, Outcome
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.run.identity import identify
from ltp.reproduce.run.in_process import InProcessExecutor
from ltp.reproduce.run.ledger import CELLS, Ledger
from ltp.reproduce.run.runner import ExperimentRunner

ROOT = Path(__file__).parents[4]
RUN = """
import sys, time
from pathlib import Path
import torch
from support.reproducing import grid_of, small
from ltp.backbone.load import load_backbone
from ltp.reproduce.run.identity import identify
from ltp.reproduce.run.in_process import InProcessExecutor
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import ExperimentRunner
from ltp.reproduce.data.text import read_text

torch.set_num_threads(1)
backbone, data, folder = map(Path, sys.argv[1:])
loaded, grid = load_backbone(backbone), grid_of(small(), data)
text = read_text(data, None, sentences=40)

class Told(InProcessExecutor):
    def submit(self, cell, progress):
        print(cell.id, flush=True)
        return super().submit(cell, progress)

executor = Told(loaded, grid.data, text.sentences, folder=folder / "artefacts")
identity = identify(backbone=loaded.info.fingerprint, data=grid.data.fingerprints, text=text)
with Ledger(folder / "ledger", identity) as ledger:
    ExperimentRunner(grid, ledger, executor).run()
"""


class Counted(InProcessExecutor):
    """Keeps what it was asked to do."""

    def __init__(self, backbone: Backbone, grid: Grid, folder: Path) -> None:
        text = read_text(grid.data.path, None, sentences=40)
        super().__init__(backbone, grid.data, text.sentences, folder=folder / "artefacts")
        self.begun: list[str] = []
        self.text = text

    def submit(self, cell, progress):  # type: ignore[no-untyped-def]
        self.begun.append(cell.id)
        return super().submit(cell, progress)


def run(backbone: Backbone, grid: Grid, folder: Path) -> tuple[dict[str, Outcome], list[str]]:
    executor = Counted(backbone, grid, folder)
    fingerprint, files = backbone.info.fingerprint, grid.data.fingerprints
    identity = identify(backbone=fingerprint, data=files, text=executor.text)
    with Ledger(folder / "ledger", identity) as ledger:
        ExperimentRunner(grid, ledger, executor).run()
        return ledger.outcomes, executor.begun


@pytest.fixture(scope="module")
@needs(SLOW)
def uninterrupted(
    tiny_backbone: Backbone, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Outcome], Path]:
    """The small experiment, done in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return run(tiny_backbone, grid_of(small(), data), folder)[0], folder


def of_kind(outcomes: dict[str, Outcome], kind: str) -> list[Outcome]:
    return [outcome for cell, outcome in outcomes.items() if cell.startswith(kind)]


def test_outcomes_say_what_a_report_needs(uninterrupted: tuple[dict[str, Outcome], Path]) -> None:
    outcomes, folder = uninterrupted

    (drift,) = of_kind(outcomes, "drift")
    assert drift["selectable"] > drift["moved"] > 0
    for ticket in of_kind(outcomes, "ticket"):
        assert ticket["active"] in (round(0.2 * ticket["selectable"]), round(0.05 * ticket["selectable"]))
        assert sum(layer["share"] for layer in ticket["distribution"]) == pytest.approx(1)
        assert 0 < ticket["embeddings_own_share"]["unfrozen"] < 1
    for training in of_kind(outcomes, "training"):
        assert {"dev", "learning_rate", "prompt_learning_rate", "best_epoch", "bytes"} <= set(training)
    for evaluation in of_kind(outcomes, "evaluation"):
        assert set(evaluation["languages"]) == {"en", "es"}
        for scores in evaluation["languages"].values():
            assert scores["pairs"] == len(scores["predicted"]) == 20
            assert set(scores["predicted"]) <= set("012")
    left = {path.name.partition("-")[0] for path in (folder / "artefacts").iterdir()}
    assert left == {"drift", "ticket"}


def test_accuracies_are_those_of_the_predictions(uninterrupted: tuple[dict[str, Outcome], Path], data: Path) -> None:
    labels = {"entailment": "0", "neutral": "1", "contradiction": "2"}
    gold = [labels[label] for label in DataFolder(data).suite("xnli").file("test", "en").labels[:20]]
    for evaluation in of_kind(uninterrupted[0], "evaluation"):
        scores = evaluation["languages"]["en"]
        right = sum(one == other for one, other in zip(scores["predicted"], gold, strict=True))
        assert scores["accuracy"] == pytest.approx(right / 20)


@pytest.mark.process
def test_a_killed_run_goes_on_with_the_same_figures_and_nothing_twice(
    uninterrupted: tuple[dict[str, Outcome], Path],
    tiny_backbone: Backbone,
    tiny_backbone_dir: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", RUN, str(tiny_backbone_dir), str(data), str(tmp_path)]
    cells = tmp_path / "ledger" / CELLS
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(list(cells.glob("*.json"))) < 12 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split() if process.stdout else []
    kept = {path.stem for path in cells.glob("*.json")}
    assert 12 <= len(kept) < len(uninterrupted[0])

    outcomes, begun = run(tiny_backbone, grid_of(small(), data), tmp_path)

    assert not kept & set(begun), "a finished cell was done again"
    assert max(Counter(begun).values()) == 1
    assert set(said) & set(begun) <= {said[-1]}, "at most the cell that was under way is done again"
    assert comparable(outcomes) == comparable(uninterrupted[0])


def comparable(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """Without what a clock says."""
    clock = {"seconds", "tokens_per_second"}
    return {cell: {key: value for key, value in said.items() if key not in clock} for cell, said in outcomes.items()}


def test_a_drift_that_was_interrupted_leaves_no_checkpoints(uninterrupted: tuple[dict[str, Outcome], Path]) -> None:
    assert not list((uninterrupted[1] / "artefacts").glob("*.checkpoints"))


def test_blank_texts_are_scored(tiny_backbone: Backbone, data: Path, tmp_path: Path) -> None:
    own = setting(name="own", pool="americasnli", test="americasnli", train="each", languages=("aym",), shots=(2,))
    grid = grid_of(small(settings=(own,), rates=(), seeds=1), data)
    outcomes, _ = run(tiny_backbone, grid, tmp_path)

    assert all(outcome["languages"]["aym"]["pairs"] == 20 for outcome in of_kind(outcomes, "evaluation"))


def test_a_loss_that_is_no_number_is_an_outcome(tiny_backbone: Backbone, data: Path, tmp_path: Path) -> None:
    methods = (Variant.parse("ltp@20"),)
    grid = grid_of(small(settings=(setting(methods=methods, shots=(4,)),), rates=(), seeds=1, paper_rate=1.0), data)
    executor = Counted(tiny_backbone, grid, tmp_path)
    cells: list[Cell] = grid.cells({})
    for cell in cells[:2]:
        executor.submit(cell, lambda _: None).result()

    def diverge(progress: Progress) -> None:
        from ltp.errors import TrainingDiverged

        raise TrainingDiverged("the loss at step 1 is nan")

    done = executor.submit(cells[2], diverge).result()
    assert done.outcome == {"diverged": "the loss at step 1 is nan"}


def test_every_method_is_trained_and_scored(tiny_backbone: Backbone, data: Path, tmp_path: Path) -> None:
    methods = tuple(map(Variant.parse, ("ft", "dp", "sp", "mp", "pt", "ltp@20")))
    grid = grid_of(small(settings=(setting(methods=methods, shots=(4,)),), rates=(), seeds=1), data)
    outcomes, begun = run(tiny_backbone, grid, tmp_path)

    trained = {cell.split("-")[1]: said for cell, said in outcomes.items() if cell.startswith("training")}
    assert set(trained) == {"ft", "dp", "sp", "mp", "pt", "ltp@20"}
    assert trained["pt"]["parameters"]["active"] == 0
    dense = [trained[name]["parameters"]["active"] for name in ("ft", "dp", "sp", "mp")]
    assert min(dense) > 2 * trained["ltp@20"]["parameters"]["active"] > 0
    assert len(of_kind(outcomes, "evaluation")) == 6
    assert len([cell for cell in begun if cell.startswith(("drift", "ticket"))]) == 2


def test_a_method_the_trainer_does_not_know_is_refused_before_anything_is_done(
    tiny_backbone: Backbone, data: Path, tmp_path: Path
) -> None:
    grid = grid_of(small(settings=(setting(methods=(Variant("xp"),)),), rates=()), data)  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="method is 'xp'"):
        run(tiny_backbone, grid, tmp_path)
    assert not list((tmp_path / "ledger" / CELLS).glob("*.json"))
