"""The grid: what is shared is one cell, names follow from content, and rates are chosen on development data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.reproducing import grid_of, made_up, setting, small

from ltp.errors import InvalidExperiment, TooFewExamples, UnsoundData
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, TicketCell, TrainingCell
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.plan.variant import Variant


def kinds(cells: list[Cell]) -> dict[str, int]:
    return dict(Counter(cell.kind for cell in cells))


def finished(grid: Grid) -> dict[str, dict[str, object]]:
    """Outcomes of everything, as they become known."""
    outcomes: dict[str, dict[str, object]] = {}
    while due := [cell for cell in grid.cells(outcomes) if cell.id not in outcomes]:
        outcomes |= {cell.id: made_up(cell) for cell in due}
    return outcomes


def test_ratios_share_a_drift_and_runs_a_ticket(data: Path) -> None:
    methods = ("ltp@5", "ltp@20", "ltp@20:middle", "ltp@20:per_layer", "ltp@20:tied")
    grid = grid_of(small(settings=(setting(methods=tuple(map(Variant.parse, methods))),), rates=()), data)
    cells = grid.cells({})

    assert kinds(cells) == {"drift": 2, "ticket": 5, "training": 5 * 2 * 2, "evaluation": 5 * 2 * 2}
    assert {cell.strategy for cell in cells if isinstance(cell, DriftCell)} == {"decoupled", "tied"}
    assert all(cell.languages == ("en", "es") for cell in cells if isinstance(cell, EvaluationCell))


def test_needs_come_first_and_ids_are_the_same_each_time(grid: Grid, data: Path) -> None:
    cells = grid.cells({})
    place = {cell.id: index for index, cell in enumerate(cells)}

    assert len(place) == len(cells)
    assert all(place[need.id] < place[cell.id] for cell in cells for need in cell.needs)
    assert [cell.id for cell in grid_of(small(), data).cells({})] == list(place)
    assert all(set(cell.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.@_") for cell in cells)


def test_whatever_decides_a_figure_changes_the_name(data: Path) -> None:
    def ids(**changes: object) -> set[str]:
        cells = grid_of(small(rates=(), **changes), data).cells({})
        return {cell.id for cell in cells if isinstance(cell, TrainingCell | EvaluationCell)}

    assert not ids() & ids(epochs=3)
    assert not ids() & ids(precision="bf16")
    assert not ids() & ids(text_form=1)
    assert not ids() & ids(paper_rate=1e-4)
    assert ids() < ids(seeds=3)
    assert {name for name in ids() if "-pt-" in name} == ids() & ids(sentences=30) == ids() & ids(passes=2)
    trainings = {name for name in ids() if name.startswith("training")}
    assert trainings == {name for name in ids(pairs=10) if name.startswith("training")}


def test_methods_of_a_seed_get_the_same_sample(grid: Grid) -> None:
    runs = grid.runs({})
    for shots in (1, 4):
        for seed in (0, 1):
            of_seed = [run.training for run in runs if (run.shots, run.seed) == (shots, seed)]
            assert len({cell.draw.sha256 for cell in of_seed}) == 1
            assert {cell.config.seed for cell in of_seed} == {seed}
    assert len({draw.sha256 for draw in grid.draws}) == 4


def test_each_method_gets_its_own_rate_and_shares_the_papers(data: Path) -> None:
    grid = grid_of(small(rates=(2e-5, 1e-2)), data)
    assert [len(search.cells) for search in grid.searches] == [2, 2, 2]
    assert grid.choices({}) == {}
    assert len(grid.unknown({})) == 3 * 2 * 2

    outcomes = {cell.id: made_up(cell) for search in grid.searches for cell in search.cells}
    for rate, accuracy in ((2e-5, 0.9), (1e-2, 0.1)):
        outcomes[grid.searches[0].candidates[rate][0].id]["dev"]["accuracy"] = accuracy
    choices = grid.choices(outcomes)
    cells = grid.cells(outcomes)

    assert choices["zero-shot", Variant.parse("pt")].rate == 2e-5
    best = [run for run in grid.runs(outcomes) if run.track == "best"]
    paper = {run.training.id for run in grid.runs(outcomes) if run.track == "paper"}
    assert {run.training.id in paper for run in best if run.variant.key == "pt"} == {True}
    assert len({cell.id for cell in cells}) == len(cells)
    assert grid.unknown(outcomes) == []


def test_a_rate_is_chosen_by_accuracy_then_loss_then_order(data: Path) -> None:
    grid = grid_of(small(rates=(1e-3, 1e-2, 1e-1)), data)
    search = grid.searches[0]

    def chosen(*scores: tuple[float, float] | None) -> float:
        cells = [cells[0] for cells in search.candidates.values()]
        outcomes = {
            cell.id: {"dev": {"accuracy": score[0], "loss": score[1]}} if score else {"diverged": "no number"}
            for cell, score in zip(cells, scores, strict=True)
        }
        choice = search.choice(outcomes)
        assert choice is not None
        return choice.rate

    assert chosen((0.4, 1.0), (0.5, 2.0), (0.3, 0.1)) == 1e-2
    assert chosen((0.5, 1.0), (0.5, 0.9), (0.3, 0.1)) == 1e-2
    assert chosen((0.5, 1.0), (0.5, 1.0), (0.5, 1.0)) == 1e-3
    assert chosen(None, (0.2, 1.0), None) == 1e-2
    assert chosen(None, None, None) == 2e-5


def test_one_rate_needs_no_search_and_none_no_second_track(data: Path) -> None:
    one = grid_of(small(rates=(1e-2,)), data)
    assert [search.cells for search in one.searches] == [[], [], []]
    assert {run.training.config.learning_rate for run in one.runs({}) if run.track == "best"} == {1e-2}

    none = grid_of(small(rates=()), data)
    assert {run.track for run in none.runs({})} == {"paper"}
    assert none.choices({}) == {}


def test_the_search_is_made_at_the_nearest_k(data: Path) -> None:
    assert {search.shots for search in grid_of(small(search_shots=3), data).searches} == {4}
    assert {search.shots for search in grid_of(small(search_shots=1), data).searches} == {1}


def test_every_method_is_planned_and_only_ltp_has_a_ticket(data: Path) -> None:
    methods = tuple(map(Variant.parse, ("ft", "dp", "sp", "mp", "pt", "ltp@20")))
    grid = grid_of(small(settings=(setting(methods=methods, shots=(4,)),), rates=(), seeds=1), data)
    trainings = [cell for cell in grid.cells({}) if isinstance(cell, TrainingCell)]

    assert {cell.method: cell.ticket is not None for cell in trainings} == {
        **dict.fromkeys(("ft", "dp", "sp", "mp", "pt"), False),
        "ltp": True,
    }


def test_in_language_trains_each_language_on_the_same_rows(data: Path) -> None:
    own = setting(name="in-language", train="each", shots=(2,), paper="table3")
    grid = grid_of(small(settings=(own,), rates=(1e-3, 1e-2)), data)
    runs = grid.runs({})

    assert {run.language for run in runs} == {"en", "es"}
    assert all(run.evaluation.languages == (run.language,) for run in runs)
    assert len({run.training.draw.train for run in runs if run.seed == 0}) == 1
    assert [len(search.cells) for search in grid.searches] == [4, 4, 4]


def test_languages_without_a_test_file_are_named(grid: Grid) -> None:
    assert grid.scored == {"zero-shot": ("en", "es")}
    assert grid.missing == {"zero-shot": ("sw",)}


def test_a_diverged_training_is_not_scored(grid: Grid) -> None:
    outcomes = finished(grid)
    run = grid.runs(outcomes)[0]
    outcomes[run.training.id] = {"diverged": "the loss is nan"}
    del outcomes[run.evaluation.id]

    assert run.evaluation.id not in {cell.id for cell in grid.cells(outcomes)}


def test_what_cannot_be_done_is_found_at_once(data: Path) -> None:
    with pytest.raises(TooFewExamples, match=r"xnli/dev-en.tsv, seed 0"):
        grid_of(small(settings=(setting(shots=(60,)),)), data)
    with pytest.raises(InvalidExperiment, match="xnli has test files of en, es"):
        grid_of(small(settings=(setting(languages=("sw", "ur")),)), data)
    with pytest.raises(UnsoundData, match="no dev file of 'fr'"):
        grid_of(small(settings=(setting(train="fr"),)), data)
    with pytest.raises(UnsoundData, match="ltp@20 needs unlabelled text"):
        Grid(small(), DataFolder(data), None)


def test_tickets_alone_make_no_trainings(data: Path) -> None:
    tickets = tuple(map(Variant.parse, ("ltp@20:tied", "ltp@20", "ltp@20:frozen_embeddings")))
    cells = grid_of(small(settings=(), tickets=tickets), data).cells({})

    assert kinds(cells) == {"drift": 3, "ticket": 3}
    assert not any(isinstance(cell, TrainingCell) for cell in cells)
    assert {cell.drift.strategy for cell in cells if isinstance(cell, TicketCell)} == {
        "tied",
        "decoupled",
        "frozen_embeddings",
    }
