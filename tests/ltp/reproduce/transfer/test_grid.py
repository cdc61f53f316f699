"""Which cells there are: in the order of the steps, shared where they are the same, on rows no clean starter saw."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.benchmarks import write_americasnli, write_xnli
from support.transferring import small_transfer

from ltp.errors import InvalidExperiment, UnsoundData
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.alignment import translated_rows
from ltp.reproduce.transfer.cell import RecipeCell, TextCell, ZeroShotCell
from ltp.reproduce.transfer.experiment import Step, TransferBounds
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.starters import Starter, read_starter, read_starters
from ltp.reproduce.transfer.texts import read_texts, told_before


def test_the_translated_rows_are_those_of_both_benchmarks_with_their_premises(data: Path) -> None:
    assert translated_rows(DataFolder(data)) == set(range(1, 49)), "16 premises, of which AfriXNLI has the first 8"


def test_rows_that_do_not_fit_are_refused(data: Path, tmp_path: Path) -> None:
    own = shutil.copytree(data, tmp_path / "data")
    file = own / "afrixnli" / "dev" / "eng.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("sleeping", "waking"), encoding="utf-8")
    with pytest.raises(UnsoundData, match=r"afrixnli/dev/eng\.csv: row \d+ is no row of xnli/dev-en\.tsv"):
        translated_rows(DataFolder(own))

    write_americasnli(own / "americasnli")
    quy = own / "americasnli" / "dev" / "quy.tsv"
    lines = quy.read_text(encoding="utf-8").splitlines(keepends=True)
    quy.write_text("".join([lines[0], *(line.replace("\tneutral", "\tentailment") for line in lines[1:])]), "utf-8")
    for other in ("aym", "oto"):
        (own / "americasnli" / "dev" / f"{other}.tsv").unlink()
    with pytest.raises(UnsoundData, match=r"id 12452 is entailment, and row 2 of xnli/dev-en\.tsv neutral"):
        translated_rows(DataFolder(own))


def test_shots_from_xnli_are_rows_that_are_translated(transfer_grid: TransferGrid) -> None:
    draws = [draw for draw in transfer_grid.shots.draws if draw.suite == "xnli"]
    assert {draw.language for draw in draws} == {"sw"}
    assert all({*draw.train, *draw.dev} <= transfer_grid.shots.translated for draw in draws)


def test_zero_shot_of_both_starters_comes_first(transfer_grid: TransferGrid) -> None:
    cells = transfer_grid.cells
    assert all(isinstance(cell, ZeroShotCell) for cell in cells[:8])
    assert [cell.scored.language for cell in cells[:4] if isinstance(cell, ZeroShotCell)] == [
        "quy",
        "aym",
        "hau",
        "swa",
    ]
    assert sum(isinstance(cell, ZeroShotCell) for cell in cells) == 8


def test_a_seed_is_done_in_all_languages_before_the_next(transfer_grid: TransferGrid) -> None:
    own = [cell for cell in transfer_grid.cells if isinstance(cell, RecipeCell) and cell.recipe.name == "started"]
    first = [(cell.draw.seed, cell.draw.shots, cell.scored.language) for cell in own[:8]]
    assert first == [(seed, 2, language) for seed in (0, 1) for _ in range(2) for language in ("quy", "aym")]


def test_a_language_without_text_shares_the_cell_of_the_recipe_without(transfer_grid: TransferGrid) -> None:
    by_key = {(run.recipe.name, run.language, run.shots, run.seed, run.starter): run.cell for run in transfer_grid.runs}
    assert by_key["text", "quy", 2, 0, "clean"] == by_key["started", "quy", 2, 0, "clean"]
    assert by_key["text", "aym", 2, 0, "clean"] != by_key["started", "aym", 2, 0, "clean"]


def test_a_text_is_run_once_a_ticket_and_before_what_needs_it(transfer_grid: TransferGrid) -> None:
    cells = transfer_grid.cells
    texts = [cell for cell in cells if isinstance(cell, TextCell)]
    assert [cell.language for cell in texts] == ["aym"], "both starters stand on one ticket"
    users = [cell for cell in cells if isinstance(cell, RecipeCell) and cell.text]
    assert min(map(cells.index, users)) > cells.index(texts[0])


def test_what_begins_from_pretrained_values_is_done_once_for_all_starters(transfer_grid: TransferGrid) -> None:
    runs = [run for run in transfer_grid.runs if run.recipe.name == "paper"]
    assert {run.starter for run in runs} == {""}
    assert len({run.cell.id for run in runs}) == len(runs) == 4 * 2 * 2


def test_every_recipe_of_a_seed_has_the_same_sample(transfer_grid: TransferGrid) -> None:
    cells = {
        run.recipe.name: run.cell for run in transfer_grid.runs if (run.language, run.shots, run.seed) == ("hau", 4, 1)
    }
    draws = {cell.draw for cell in cells.values() if isinstance(cell, RecipeCell)}
    assert len(cells) == 3
    assert len(draws) == 1


def test_a_step_of_further_starters_is_for_these_alone(data: Path, starters: tuple[Starter, ...]) -> None:
    plan = small_transfer(steps=(Step(recipes=("zero-shot",), lines=("further",)),))
    assert TransferGrid(plan, DataFolder(data), starters).cells == []


def test_a_recipe_that_is_left_out_needs_no_text(data: Path, starters: tuple[Starter, ...]) -> None:
    plan = TransferBounds(recipes=("started",)).applied(small_transfer(text="nowhere"))
    assert TransferGrid(plan, DataFolder(data), starters).texts == {}


def test_a_language_without_a_test_file_is_named(data: Path, tmp_path: Path, starters: tuple[Starter, ...]) -> None:
    own = shutil.copytree(data, tmp_path / "data")
    (own / "afrixnli" / "test" / "swa.csv").unlink()
    with pytest.raises(UnsoundData, match="afrixnli has no test file of swa; there is hau"):
        TransferGrid(small_transfer(), DataFolder(own), starters)


def test_pairs_that_stand_in_a_text_are_counted(data: Path) -> None:
    folder = DataFolder(data)
    texts = read_texts(data / "americas-text", ["aym", "quy"])
    assert set(texts) == {"aym"}
    examples = folder.suite("americasnli").file("test", "aym").examples
    assert told_before(texts["aym"], examples) == 0
    known = texts["aym"].sentences[0]
    assert told_before(texts["aym"], [examples[0], type(examples[0])("a", known, "neutral")]) == 1


def test_a_file_that_is_no_starter_is_refused(tiny_backbone, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    info = tiny_backbone.info
    with pytest.raises(InvalidExperiment, match="there is no file"):
        read_starter(tmp_path / "x.safetensors", info, name="clean", line="clean")
    with pytest.raises(InvalidExperiment, match="--starter or --clean-starter"):
        read_starters(info, shipped=None, clean=None, further={})
    with pytest.raises(InvalidExperiment, match="a further starter is named 'clean'"):
        read_starters(info, shipped=None, clean=tmp_path / "x", further={"clean": tmp_path / "y"})


def test_other_labels_in_a_parallel_file_are_refused(data: Path, tmp_path: Path, starters: tuple[Starter, ...]) -> None:
    own = shutil.copytree(data, tmp_path / "data")
    write_xnli(own / "xnli", dev=("en", "sw"), premises=8)
    with pytest.raises(UnsoundData, match=r"row 25 of xnli/dev-en\.tsv None"):
        TransferGrid(small_transfer(), DataFolder(own), starters)
