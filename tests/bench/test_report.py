"""The benchmark report: goals are held, sides run apart, and a run of some lines keeps the others."""

import json
import os
from pathlib import Path

import pytest

from bench.figure import Figure
from bench.lines import lines
from bench.report import markdown, merged, rows_of
from bench.side import Measured, extra_mb, run, timed


def slow(milliseconds: int) -> Measured:
    held = bytearray(1)

    def work() -> None:
        nonlocal held
        held = bytearray(50_000_000)

    return Measured([milliseconds / 1000] * 3, units=10, detail={"process": os.getpid(), "extra_mb": extra_mb(work)})


@pytest.mark.process
def test_a_side_runs_in_a_process_of_its_own() -> None:
    measured = run("tests.bench.test_report:slow", milliseconds=20)
    assert measured.detail["process"] != os.getpid()
    assert measured.rate == pytest.approx(500)
    assert measured.peak_rss_mb > 60
    assert 45 < measured.detail["extra_mb"] < 60


def test_only_runs_after_the_warm_up_are_timed() -> None:
    calls: list[int] = []
    assert len(timed(lambda: calls.append(0), runs=4, warmup=2)) == 4
    assert len(calls) == 6


@pytest.mark.parametrize(("ours", "met"), [(0.1, True), (0.1001, False)])
def test_a_rate_is_held_to_its_goal(ours: float, met: bool) -> None:
    figure = Figure.faster(1, "steps", Measured([ours, ours, 9.0]), Measured([0.5]), unit="steps", limit=5)
    assert figure.met is met
    assert figure.ratio == pytest.approx(0.5 / ours)


@pytest.mark.parametrize(("megabytes", "met"), [(45.0, True), (46.0, False)])
def test_a_size_is_held_to_its_goal(megabytes: float, met: bool) -> None:
    ours, peer = Measured([1.0], peak_rss_mb=megabytes), Measured([1.0], peak_rss_mb=100)
    assert Figure.leaner(1, "memory", ours, peer, limit=0.45).met is met


def test_a_run_of_some_lines_keeps_the_rows_of_the_others(tmp_path: Path) -> None:
    first = [Figure.absolute(number, "time", "s", 1.0, goal="at most", limit=2) for number in (1, 2)]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(merged([], first, facts={"cores": 2})))
    again = [Figure.absolute(2, "time", "s", 3.0, goal="at most", limit=2)]
    rows = merged(rows_of(path), again, facts={"cores": 2})
    assert [(row["line"], row["ours"], row["met"]) for row in rows] == [(1, 1.0, True), (2, 3.0, False)]


def test_the_report_shows_every_row() -> None:
    facts = {"processor": "p", "cores": 2, "memory_gb": 24, "python": "3.11", "versions": {"torch": "2"}}
    figures = [Figure.absolute(1, "time to ready", "s", 7.5, goal="at most", limit=6, itemised={"load": 5.25})]
    text = markdown(merged([], figures, facts=facts), {1: "From request to ready"})
    assert "## 1. From request to ready" in text
    assert "| time to ready | 7.5 |  | s |  | at most 6 s | **no** |" in text
    assert "itemised: load 5.25" in text


def test_no_two_lines_have_one_number() -> None:
    numbers = [line.number for line in lines()]
    assert len(numbers) == len(set(numbers))
