"""The report of a transfer experiment: every figure with its interval, tests, the guard, and nothing unsaid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.reproducing import IDENTITY
from support.transferring import MadeUpWorker, made_up, small_transfer

from ltp.backbone.load import Backbone
from ltp.config import LABELS
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Outcome
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.transfer.cell import RecipeCell, TransferCell, ZeroShotCell
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.report import contents, figures, quality
from ltp.reproduce.transfer.report.results import TransferResults
from ltp.reproduce.transfer.report.source import TransferSource
from ltp.reproduce.transfer.reproduction import TransferReproduction
from ltp.reproduce.transfer.runner import TransferRunner
from ltp.reproduce.transfer.starters import Starter

Spoil = Callable[[TransferCell], Outcome | None]


@pytest.fixture
def told(
    transfer_grid: TransferGrid, tmp_path: Path, tiny_backbone: Backbone
) -> Callable[..., tuple[TransferSource, TransferReproduction]]:
    """Makes what a report of made-up results is about; the first so many cells are done."""

    def made(spoil: Spoil = lambda _: None, cells: int | None = None) -> tuple[TransferSource, TransferReproduction]:
        planned = TransferReproduction(small_transfer(), transfer_grid, tiny_backbone.info, IDENTITY, tmp_path)
        with Ledger(tmp_path / "ledger", IDENTITY) as ledger:
            TransferRunner(transfer_grid.cells[:cells], ledger, MadeUpWorker(spoil=spoil)).run()
            return planned.source(ledger, machine={"processor": "x", "cores": 2}, command="ltp reproduce"), planned

    return made


def answers(cell: TransferCell, gold: list[str], share: float) -> Outcome:
    """Right in the first `share` of the pairs, wrong in the others."""
    digits = [LABELS.index(label) for label in gold]  # type: ignore[arg-type]
    right = int(share * len(digits))
    predicted = "".join(map(str, [*digits[:right], *((digit + 1) % 3 for digit in digits[right:])]))
    return {**made_up(cell, len(digits)), "predicted": predicted, "pairs": len(digits)}


def test_a_figure_is_the_share_of_right_answers_over_seeds_and_languages(
    told: Callable[..., Any], transfer_grid: TransferGrid
) -> None:
    gold = transfer_grid.data.suite("americasnli").file("test", "quy").labels

    def spoil(cell: TransferCell) -> Outcome | None:
        if isinstance(cell, RecipeCell) and cell.scored.suite == "americasnli" and cell.recipe.name == "started":
            return answers(cell, gold, {0: 0.25, 1: 0.75}[cell.draw.seed])
        return None

    source, _ = told(spoil)
    line = source.results.lines["clean", "started", "americasnli", 2]
    figure = source.results.figure(line, line.target.languages)
    assert figure.mean == pytest.approx(0.5)
    assert figure.seeds == 2
    assert figure.interval.low < 0.5 < figure.interval.high


def test_started_is_tested_against_its_own_starter_and_from_pretrained_against_both(told: Callable[..., Any]) -> None:
    source, _ = told()
    tests = source.results.tests(source.experiment.targets[0])
    names = [
        (each.comparison.first, each.first.starter, each.comparison.second, each.second.starter, each.shots)
        for each in tests
    ]
    assert ("started", "clean", "zero-shot", "clean", 2) in names
    assert ("started", "shipped", "zero-shot", "shipped", 4) in names
    assert ("paper", "", "started", "clean", 2) in names
    assert ("paper", "", "started", "shipped", 2) in names
    assert ("ft-started", "clean", "started", "clean", 4) in names
    assert ("started", "clean", "zero-shot", "shipped", 2) not in names
    assert all(each.comparison.p <= each.comparison.adjusted for each in tests)


def test_an_adapter_below_its_start_by_more_than_the_interval_is_named(
    told: Callable[..., Any], transfer_grid: TransferGrid
) -> None:
    gold = transfer_grid.data.suite("americasnli").file("test", "aym").labels

    def spoil(cell: TransferCell) -> Outcome | None:
        if cell.kind == "text" or cell.scored.language != "aym" or cell.scored.suite != "americasnli":
            return None
        if isinstance(cell, ZeroShotCell):
            return answers(cell, gold, 0.9)
        return answers(cell, gold, 0.2 if (cell.draw.seed, cell.recipe.name) == (1, "started") else 0.9)

    source, _ = told(spoil)
    below = [run for run in source.results.guarded if run.is_below and run.language == "aym"]
    assert {(run.line.recipe.name, run.seed) for run in below} == {("started", 1)}
    assert {run.line.starter for run in below} == {"clean", "shipped"}
    (section, _) = [*quality.sections(source)]
    assert "Those below their start." in [getattr(block, "caption", "") for block in section.blocks]


def test_a_seed_that_diverged_counts_nowhere_and_is_told(told: Callable[..., Any]) -> None:
    def spoil(cell: TransferCell) -> Outcome | None:
        first = isinstance(cell, RecipeCell) and (cell.recipe.name, cell.draw.seed) == ("paper", 0)
        return {"diverged": "no number"} if first else None

    source, _ = told(spoil)
    line = source.results.lines["", "paper", "americasnli", 2]
    assert line.diverged == 2
    assert line.seeds(["quy", "aym"]) == [1]
    assert "1 of 2 seeds, 2 diverged" in str([*figures.sections(source)])


def test_goals_are_judged_by_the_clean_starters_line(told: Callable[..., Any], transfer_grid: TransferGrid) -> None:
    gold = transfer_grid.data.suite("americasnli").file("test", "quy").labels
    clean = transfer_grid.starters[0].sha256

    def spoil(cell: TransferCell) -> Outcome | None:
        wanted = isinstance(cell, RecipeCell) and cell.starter == clean and cell.scored.suite == "americasnli"
        return answers(cell, gold, 0.0) if wanted else None

    source, _ = told(spoil)
    (goal,) = source.experiment.goals
    assert figures.goal_figure(source, goal) == pytest.approx(figures.goal_figure(source, goal))
    assert figures.goal_figure(source, goal).mean == 0.0
    assert source.results.start_of(source.results.lines["clean", "started", "americasnli", 2]) is not None


def test_all_of_it_is_written_in_three_forms(told: Callable[..., Any], tmp_path: Path) -> None:
    source, planned = told()
    markdown, html, as_json = planned.report(source)
    facts = json.loads(as_json.read_text(encoding="utf-8"))
    assert facts["cells"] == {"done": len(source.grid.cells), "total": len(source.grid.cells)}
    assert {starter["name"] for starter in facts["starters"]} == {"clean", "shipped"}
    line = next(each for each in facts["lines"] if (each["recipe"], each["starter"]) == ("started", "clean"))
    assert set(line["figures"]) == {"quy", "aym", "mean"}
    assert "predicted" not in json.dumps(facts["lines"])
    for text in (markdown.read_text(encoding="utf-8"), html.read_text(encoding="utf-8")):
        for words in ("Never worse than where it began", "Certainty on the test files", "What was hoped for"):
            assert words in text
        assert "Languages" in text
        assert "Unfinished" not in text


def test_what_is_unfinished_or_not_clean_is_said(
    told: Callable[..., Any], data: Path, starters: tuple[Starter, ...]
) -> None:
    source, _ = told(cells=5)
    assert "Unfinished: 5 of" in str(contents.document(source))
    assert contents.summary(source) == []

    alone = TransferGrid(small_transfer(), DataFolder(data), starters[1:])
    other = TransferSource(
        source.full, TransferResults(alone, {}), {}, source.identity, source.backbone, source.machine
    )
    assert "There is no clean starter here" in str(contents.document(other))


def test_certainty_is_the_mean_before_and_after(told: Callable[..., Any]) -> None:
    def spoil(cell: TransferCell) -> Outcome | None:
        if isinstance(cell, RecipeCell) and cell.recipe.name == "started":
            raw = {"ece": 0.3 + 0.1 * cell.draw.seed, "loss": 1.5}
            return {**made_up(cell), "ece": 0.05, "loss": 1.05, "raw": raw, "calibrated": True}
        return None

    source, _ = told(spoil)
    *_, certainty = quality.sections(source)
    row = next(
        [cell.text for cell in row]
        for row in certainty.blocks[1].rows
        if [cell.text for cell in row[:4]] == ["AmericasNLI", "started", "clean", "2"]
    )
    assert row[4:] == ["4 of 4", "35.0", "5.0", "1.500", "1.050"]
    assert np.isfinite(source.seconds)
