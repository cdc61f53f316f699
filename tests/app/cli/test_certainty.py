"""How sure one may be, at the keyboard: what stands beside an accuracy, two adapters compared, what to label next."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from support.cli_process import Done

from app.cli.beside import against_guessing, against_start, comparison_line, lines
from app.cli.confidence import answered, answered_line
from app.cli.label_sheet import sheet_of

Run = Callable[..., Done]
ITEMS = [
    {"line": 7, "premise": 'she said "no"', "hypothesis": "a, b\tc", "score": 0.9},
    {"line": 2, "premise": "ɓaƙi", "hypothesis": "ñ", "score": 0.5},
]


def scores(low: float, accuracy: float, high: float) -> dict[str, Any]:
    confusion = [[10, 0, 0], [0, 10, 0], [0, 0, 10]]
    return {"accuracy": accuracy, "interval": [low, high], "confusion": confusion}


def test_an_accuracy_stands_beside_guessing_and_its_start() -> None:
    metrics = {"dev": scores(0.4, 0.5, 0.6), "baseline": {"guessing": 1 / 3, "start": {"accuracy": 0.44, "p": 0.01}}}
    assert against_guessing(metrics["dev"]) == "> 33.3 %"
    assert against_guessing(scores(0.3, 0.5, 0.7)) == "= 33.3 %"
    assert against_guessing(None) == against_start(None) == against_start({"dev": metrics["dev"]}) == "-"
    assert against_start(metrics) == "> 44.0 %"
    assert list(lines(metrics, "dev")) == [
        ("  guessing", "33.3 %: the adapter is better"),
        ("  its start", "44.0 %: the adapter is better (p = 0.010)"),
    ]
    metrics["baseline"]["start"] = {"accuracy": 0.6, "p": 0.0001}
    assert list(lines(metrics, "dev"))[1][1] == "60.0 %: the adapter is worse (p < 0.001)"
    metrics["baseline"]["start"]["p"] = 0.2
    assert list(lines(metrics, "dev"))[1][1] == "60.0 %: no real difference (p = 0.200)"


def test_a_comparison_names_the_better_one_or_nobody() -> None:
    told = {"difference": -0.031, "interval": [-0.058, -0.004], "p": 0.021, "real": True}
    assert comparison_line("sw@2", "mul@1", told) == (
        "mul@1 is better than sw@2: -3.1 points, 95 % interval -5.8 to -0.4, p = 0.021"
    )
    assert comparison_line("sw@2", "mul@1", told | {"real": False}).startswith("between sw@2 and mul@1 no real differ")


def test_what_is_answered_surely_is_scored_apart() -> None:
    given = [{"abstained": False}, {"abstained": True}, {"abstained": False}, {"abstained": False}]
    told = answered(given, np.array([True, False, True, False]))
    assert told == {"pairs": 3, "share": 0.75, "accuracy": pytest.approx(2 / 3)}
    assert answered_line(told).startswith("3 pairs (75.0 %) are answered as surely as was asked for, 66.7 %")
    assert answered_line(answered([{"abstained": True}], np.array([True]))).startswith("no answer is as sure")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_a_sheet_to_be_labelled_holds_the_texts_as_they_are(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"next.{ending}"
    sheet_of(path)(path, ITEMS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        if ending == "jsonl":
            rows = [json.loads(line) for line in file]
        else:
            rows = list(csv.DictReader(file, delimiter="," if ending == "csv" else "\t"))
    assert [(row["premise"], row["hypothesis"], row["label"]) for row in rows] == [
        (item["premise"], item["hypothesis"], "") for item in ITEMS
    ]
    with pytest.raises(typer.BadParameter, match=r"none of \.csv, \.tsv, \.jsonl"):
        sheet_of(tmp_path / "next.xlsx")


@pytest.mark.slow
def test_evaluating_says_what_guessing_gives_and_what_to_try(
    ltp: Run, adapter: dict[str, Any], pairs_file: Path
) -> None:
    report = ltp("evaluate", "--adapter", "en", pairs_file, "--min-confidence", "0.999", "--json").json
    assert report["guessing"] == pytest.approx(1 / 3, abs=0.01)
    assert report["beats_guessing"] == (report["interval"][0] > report["guessing"])
    assert bool(report["advice"]) != report["beats_guessing"]
    assert report["answered"]["pairs"] <= report["pairs"]
    assert "beside" not in report
    beside = ltp("evaluate", "--adapter", "en", pairs_file, "--beside", "en@1", "--json").json["beside"]
    assert (beside["difference"], beside["p"], beside["real"]) == (0.0, 1.0, False)
    shown = " ".join(ltp("adapter", "list").out.split())
    assert "guessing" in shown
    assert "33.3 %" in shown


@pytest.mark.slow
def test_two_adapters_are_compared_and_pairs_chosen(
    ltp: Run, adapter: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    kept = ltp("adapter", "compare", "en@1", "en@1", "--json").json
    assert (kept["adapters"], kept["same_pairs"], kept["difference"]) == (["en@1", "en@1"], True, 0)
    answers = ltp("adapter", "answers", "en@1", "--sort", "certainty", "-n", "500", "--json").json
    assert len(answers) == adapter["metrics"]["dev"]["pairs"]
    wrong = ltp("adapter", "answers", "en@1", "--wrong", "-o", tmp_path / "wrong.csv", "--json")
    assert wrong.code == 0, wrong.err
    rows = list(csv.DictReader((tmp_path / "wrong.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == sum(answer["label"] != answer["predicted"] for answer in answers)
    told = ltp("adapter", "compare", "en@1", "en@1", pairs_file, "--json").json
    assert (told["difference"], told["p"], told["pairs"], told["premises"]) == (0.0, 1.0, 36, 12)
    assert "no real difference" in " ".join(ltp("adapter", "compare", "en@1", "en@1", pairs_file).out.split())
    sheet = tmp_path / "next.csv"
    done = ltp("data", "next", pairs_file, "--adapter", "en", "-n", "5", "-o", sheet, "--json")
    assert done.code == 0, done.err
    assert len({item["premise"] for item in done.json["items"]}) == 5
    filled = sheet.read_text(encoding="utf-8").replace(",,", ",neutral,")
    sheet.write_text(filled, encoding="utf-8")
    assert ltp("data", "check", sheet, "--task", "evaluate", "--json").json["read"] == 5
