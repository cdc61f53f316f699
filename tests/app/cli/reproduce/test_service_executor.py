"""Cells as jobs: the same outcomes as in one process, nothing ordered twice, nothing on a service that differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.reproducing import IDENTITY, grid_of, setting, small
from support.running_service import Service, wait_until

from app import jobs
from app.cli.client import Client
from app.cli.failure import Failure
from app.cli.reproduce.service_executor import ServiceExecutor
from app.cli.reproduce.submitted_jobs import FILE
from ltp.backbone.load import Backbone
from ltp.errors import LedgerMismatch
from ltp.progress import Progress
from ltp.reproduce.data.text import read_text
from ltp.reproduce.plan.cell import Cell, DriftCell, Outcome, TrainingCell
from ltp.reproduce.plan.grid import Grid
from ltp.reproduce.plan.variant import Variant
from ltp.reproduce.run.executor import Executor
from ltp.reproduce.run.in_process import InProcessExecutor
from ltp.reproduce.run.ledger import Ledger
from ltp.reproduce.run.runner import ExperimentRunner

Start = Callable[..., ServiceExecutor]
SENTENCES = 40


def grid_on(data: Path, **changes: Any) -> Grid:
    """Two methods at one K: six cells."""
    methods = tuple(map(Variant.parse, ("pt", "ltp@20")))
    return grid_of(small(settings=(setting(methods=methods, shots=(2,), **changes),), rates=(), seeds=1), data)


@pytest.fixture
def grid(data: Path) -> Grid:
    return grid_on(data)


@pytest.fixture
def start(empty_service: Service, tiny_backbone: Backbone, data: Path, tmp_path: Path) -> Iterator[Start]:
    """Begin an executor on the service; another on the same folder goes on with its orders."""
    with ExitStack() as stack:

        def begin(*, backbone: Backbone = tiny_backbone, folder: Path = tmp_path / "artefacts") -> ServiceExecutor:
            client = stack.enter_context(Client(empty_service.url))
            sentences = read_text(data, None, sentences=SENTENCES).sentences
            return stack.enter_context(
                ServiceExecutor(client, backbone.info, grid_on(data).data, sentences, folder=folder)
            )

        yield begin


def outcomes_of(grid: Grid, executor: Executor, folder: Path) -> dict[str, Outcome]:
    with Ledger(folder / "ledger", IDENTITY) as ledger:
        ExperimentRunner(grid, ledger, executor).run()
        return ledger.outcomes


def ignore(progress: Progress) -> None:
    """Nobody looks."""


def jobs_of(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.http.get("/jobs", params={"limit": 200}).json()["items"]
    return found


def test_outcomes_are_those_of_one_process_and_adapters_go_once_scored(
    working: Service, start: Start, grid: Grid, tiny_backbone: Backbone, data: Path, tmp_path: Path
) -> None:
    sentences = read_text(data, None, sentences=SENTENCES).sentences
    here = outcomes_of(
        grid, InProcessExecutor(tiny_backbone, grid.data, sentences, folder=tmp_path / "own"), tmp_path / "here"
    )
    there = outcomes_of(grid, start(), tmp_path / "there")

    clock = {"seconds", "tokens_per_second"}
    assert there.keys() == here.keys()
    for cell, said in here.items():
        assert there[cell].keys() == said.keys()
        for name in said.keys() - clock:
            if cell.startswith("evaluation") and name == "languages":
                for language, scores in said[name].items():
                    found = there[cell][name][language]
                    assert found.pop("ece") == pytest.approx(scores.pop("ece"), abs=1e-5)  # six decimals in a file
                    assert found == scores
            else:
                assert there[cell][name] == said[name], (cell, name)
    assert working.http.get("/adapters").json()["items"] == []
    assert working.http.get("/predictions").json()["items"] == []
    assert len(jobs_of(working)) == len(here)


def test_adapters_never_answer_for_their_language(working: Service, start: Start, grid: Grid) -> None:
    executor = start()
    (training, *_) = [cell for cell in grid.cells({}) if isinstance(cell, TrainingCell)]
    assert training.ticket is None
    executor.submit(training, ignore).result()

    (adapter,) = working.http.get("/adapters").json()["items"]
    assert (adapter["lang"], adapter["name"]) == ("en-x-paper", training.id)
    asked = working.http.post("/predict", json={"lang": "en", "pairs": [{"premise": "a", "hypothesis": "b"}]})
    assert asked.json()["error"] == "no_adapter_for_language"


def test_a_run_that_goes_on_finds_its_jobs(empty_service: Service, start: Start, grid: Grid) -> None:
    drift = next(cell for cell in grid.cells({}) if isinstance(cell, DriftCell))
    with start() as interrupted:
        future = interrupted.submit(drift, ignore)
        wait_until(lambda: jobs_of(empty_service), 10)
    with pytest.raises(Failure, match="it goes on"):
        future.result()

    executor = start()
    assert not executor.holds(drift)
    again = executor.submit(drift, ignore)
    empty_service.work()

    assert again.result().outcome["moved"] > 0
    assert len(jobs_of(empty_service)) == 1
    assert executor.holds(drift)
    assert start().holds(drift)


def test_an_order_whose_note_was_lost_is_one_job(
    empty_service: Service, start: Start, grid: Grid, tmp_path: Path
) -> None:
    drift = next(cell for cell in grid.cells({}) if isinstance(cell, DriftCell))
    executor = start()
    before = (tmp_path / "artefacts" / FILE).read_bytes()
    executor.submit(drift, ignore)
    wait_until(lambda: (tmp_path / "artefacts" / FILE).read_bytes() != before, 10)
    (tmp_path / "artefacts" / FILE).write_bytes(before)  # killed between the answer and the note

    again = start().submit(drift, ignore)
    empty_service.work()

    assert again.result().outcome["moved"] > 0
    assert len(jobs_of(empty_service)) == 1


def test_what_failed_or_was_deleted_is_ordered_anew(working: Service, start: Start, grid: Grid) -> None:
    (training, *_) = [cell for cell in grid.cells({}) if isinstance(cell, TrainingCell)]
    executor = start()
    first = executor.submit(training, ignore).result().outcome
    executor.release(training)
    assert not executor.holds(training)

    assert executor.submit(training, ignore).result().outcome == first
    assert len(jobs_of(working)) == 2


def test_a_service_that_differs_is_refused_naming_both_sides(
    empty_service: Service, start: Start, grid: Grid, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    cells: list[Cell] = grid.cells({})
    other = dataclasses.replace(tiny_backbone, info=dataclasses.replace(tiny_backbone.info, fingerprint="0" * 64))
    with pytest.raises(Failure, match=rf"serves .* \({tiny_backbone.info.fingerprint[:12]}.*on .* \(000000000000"):
        start(backbone=other).check(cells)

    bf16 = grid_of(small(precision="bf16", rates=()), grid.data.path)
    with pytest.raises(Failure, match="answers in fp32; this experiment scores in bf16"):
        start().check(bf16.cells({}))

    start().check(cells)
    elsewhere = (tmp_path / "artefacts" / FILE).read_text().replace(empty_service.url, "http://elsewhere")
    (tmp_path / "artefacts" / FILE).write_text(elsewhere)
    with pytest.raises(LedgerMismatch, match="kept by the service at http://elsewhere"):
        start()


def test_blank_texts_are_refused_before_anything_is_ordered(empty_service: Service, start: Start, data: Path) -> None:
    grid = grid_on(data, pool="americasnli", test="americasnli", train="each", languages=("aym",))
    with pytest.raises(Failure, match="1 of the 20 test pairs of aym hold a blank text"):
        start().check(grid.cells({}))
    assert not jobs_of(empty_service)


@pytest.mark.parametrize(("code", "outcome"), [("training_diverged", {"diverged": "no number"}), ("broken", None)])
def test_a_loss_that_is_no_number_is_an_outcome_and_another_failure_is_none(
    empty_service: Service, start: Start, grid: Grid, code: str, outcome: Outcome | None
) -> None:
    (training, *_) = [cell for cell in grid.cells({}) if isinstance(cell, TrainingCell)]
    future = start().submit(training, ignore)
    wait_until(lambda: jobs_of(empty_service), 10)
    with empty_service.app.state.db.write() as session:
        claimed = jobs.claim(session, owner="test", lease_s=600)
        assert claimed is not None
        jobs.fail(session, claimed, code=code, detail="no number")

    if outcome is None:
        with pytest.raises(Failure, match=f"{training.id}, job .*: no number"):
            future.result()
    else:
        assert future.result().outcome == outcome
        assert start().submit(training, ignore).result().outcome == outcome
