"""Label spaces at the keyboard: training, asking and scoring in two labels, each table saying which it is of."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from support.cli_process import Done, run

from app.cli.label_spaces import judged, label_columns, macro_f1, parse_words, short
from ltp.text.examples import Example

Run = Callable[..., Done]
THREE = {"entailment": 0.4, "neutral": 0.35, "contradiction": 0.25}
TWO = {"entailment": 0.7, "not_entailment": 0.3}


def answers(*probabilities: dict[str, float]) -> list[dict[str, Any]]:
    return [{"probabilities": each} for each in probabilities]


def labelled(*labels: str) -> list[Example]:
    return [Example("p", "h", label) for label in labels]  # type: ignore[arg-type]


def scored(examples: list[Example], given: list[dict[str, Any]], *, two_way: bool = False) -> dict[str, Any]:
    return judged(examples, given, two_way=two_way).scores()


def test_three_way_answers_are_added_up_for_two_way_labels_and_it_is_said() -> None:
    report = scored(labelled("not_entailment", "entailment"), answers(THREE, THREE))
    assert (report["label_space"], report["labels"]) == ("two_way", ["entailment", "not_entailment"])
    assert report["confusion"] == [[0, 1], [0, 1]]
    assert report["notes"] == ["neutral and contradiction were added up in 2 three-way answers"]


def test_three_way_labels_are_folded_for_a_two_way_adapter_and_it_is_said() -> None:
    report = scored(labelled("neutral", "entailment"), answers(TWO, TWO))
    assert report["confusion"] == [[1, 0], [1, 0]]
    assert report["notes"] == [
        "the adapter knows two labels alone: neutral and contradiction in the file were read as not_entailment"
    ]


def test_mixed_answers_are_scored_in_two_labels_and_both_notes_are_said() -> None:
    report = scored(labelled("contradiction", "entailment"), answers(THREE, TWO))
    assert (report["confusion"], len(report["notes"])) == ([[1, 0], [0, 1]], 2)


def test_what_is_three_way_stays_so_unless_it_is_asked_for_otherwise() -> None:
    examples, given = labelled("contradiction", "entailment"), answers(THREE, THREE)
    report = scored(examples, given)
    assert (report["label_space"], report["notes"]) == ("three_way", [])
    assert report["confusion"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert macro_f1(report) == "macro F1 33.3 % over entailment and contradiction"
    asked = scored(examples, given, two_way=True)
    assert asked["label_space"] == "two_way"
    assert asked["notes"][0].startswith("two-way answers were asked for: neutral and contradiction in the file")


def test_one_label_that_occurs_is_named_alone() -> None:
    assert macro_f1(scored(labelled("entailment"), answers(TWO))) == "macro F1 100.0 % over entailment"


def test_columns_are_those_of_the_answers_in_order() -> None:
    assert label_columns(answers(TWO)) == ["entailment", "not_entailment"]
    assert label_columns(answers(TWO, THREE)) == ["entailment", "neutral", "contradiction", "not_entailment"]


def test_words_are_read_label_by_label() -> None:
    assert parse_words(None) is None
    assert parse_words("entailment=allin, not_entailment=manan") == {"entailment": "allin", "not_entailment": "manan"}
    for wrong in ("entailment", "entailment=", "yes=entailment", "entailment=a,entailment=b"):
        with pytest.raises(typer.BadParameter, match="is not LABEL=WORD"):
            parse_words(wrong)


@pytest.fixture(scope="module")
def two_way(ltp: Run, ticket: dict[str, Any], pairs_file: Path) -> dict[str, Any]:
    words = ["--label-space", "two_way", "--verbalizer", "entailment=yes,not_entailment=no"]
    done = ltp("adapter", "train", pairs_file, "--lang", "es", "--method", "pt", *words, "--epochs", "1", "--json")
    assert done.code == 0, done.err
    assert "neutral and contradiction were read as not_entailment" in " ".join(done.err.split())
    made: dict[str, Any] = done.json["adapter"]
    return made


@pytest.mark.process
def test_an_adapter_is_trained_and_shown_with_its_labels_and_words(ltp: Run, two_way: dict[str, Any]) -> None:
    assert two_way["verbalizer"] == {"entailment": "yes", "not_entailment": "no"}
    shown = " ".join(ltp("adapter", "show", "es").out.split())
    assert "two-way: entailment yes, not_entailment no" in shown
    assert "two-way, macro F1" in shown


@pytest.mark.process
def test_a_word_of_several_pieces_is_named(ltp: Run, ticket: dict[str, Any], pairs_file: Path) -> None:
    words = "entailment=bicycles,neutral=maybe,contradiction=no"
    done = ltp("adapter", "train", pairs_file, "--lang", "es", "--verbalizer", words)
    assert done.code == 1
    assert "'bicycles' (entailment) is 2 pieces of the backbone's vocabulary (▁bicycle s)" in " ".join(done.err.split())
    assert run("adapter", "train", pairs_file, "--lang", "es", "--verbalizer", "bicycles").code == 2


@pytest.mark.process
def test_files_are_answered_and_scored_two_way(
    ltp: Run, adapter: dict[str, Any], two_way: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both.tsv"
    both.write_text("premise\thypothesis\tlang\na dog\ta cat\ten\na dog\ta cat\tes\n", encoding="utf-8")
    done = ltp("predict", "--file", both)
    assert "1 of 2 pairs were answered by adapters that know entailment and not_entailment alone" in done.err
    three, two = csv.DictReader(io.StringIO(done.out), delimiter="\t")
    assert list(three)[3:] == [
        *("label", "entailment", "neutral", "contradiction", "not_entailment"),
        *("answered_by", "fallback", "truncated"),
    ]
    assert (three["not_entailment"], two["neutral"], two["contradiction"]) == ("", "", "")
    target = tmp_path / "answers.tsv"
    done = ltp("predict", "--adapter", "en", "--as", "two_way", "--job", "--file", pairs_file, "--output", target)
    assert done.code == 0, done.err
    with target.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    assert list(row)[-6:-3] == ["predicted_label", "entailment", "not_entailment"]
    report = ltp("evaluate", "--adapter", "en", "--as", "two_way", pairs_file, "--json").json
    assert (report["label_space"], report["macro_f1_over"]) == ("two_way", ["entailment", "not_entailment"])
    shown = " ".join(ltp("evaluate", "--adapter", "es", pairs_file).out.split())
    assert "two-way accuracy, 95 % interval" in shown
    assert "the adapter knows two labels alone" in shown
    assert "per label (two-way)" in shown


def test_a_label_space_of_a_later_release_has_its_own_name() -> None:
    assert [short(space) for space in ("two_way", "graded")] == ["two-way", "graded"]
