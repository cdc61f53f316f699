"""`ltp data check` without a service: what is understood of files, and how it ends."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from support.cli_process import run

pytestmark = pytest.mark.process

ROWS = """premise,hypothesis,label
A dog runs.,A dog moves.,entailment
A dog runs.,A dog is old.,neutral
A dog runs.,A dog sleeps.,contradiction
"""


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_a_file_without_a_fault_ends_with_0_and_is_shown_to_people(pairs: Path) -> None:
    done = run("data", "check", pairs)
    assert done.code == 0, done.err
    for words in ("csv, utf-8", "comma", "premise = premise", "three-way", "3, read 3", "A dog sleeps."):
        assert words in done.out
    assert "was not counted" in done.err, "there is no service"


def test_what_there_is_to_know_ends_with_3(pairs: Path, tmp_path: Path) -> None:
    numbered = tmp_path / "numbers.csv"
    rows = ROWS.replace("entailment", "0").replace("neutral", "1").replace("contradiction", "2")
    numbered.write_text(rows + "A cat eats.,A cat sings.,0\nA cat eats.,A cat sings.,2\n", encoding="utf-8")
    done = run("data", "check", numbered)
    assert done.code == 3, done.err
    for words in ("entailment", "different labels", "left out", "--labels"):
        assert words in done.out
    told = run("data", "check", numbered, "--labels", "e,n,c", "--conflicts", "majority", "--json")
    assert told.json["labels"]["0"] == {"label": "entailment", "rows": 2}
    assert (told.json["rows"], told.json["read"], told.json["conflicts"]) == (5, 3, 1)


def test_of_several_files_what_stands_in_two_is_said(pairs: Path, tmp_path: Path) -> None:
    again = tmp_path / "dev.csv.gz"
    again.write_bytes(gzip.compress(ROWS.encode()))
    done = run("data", "check", pairs, again, "--json")
    assert done.code == 3
    assert [each["rows"] for each in done.json["files"]] == [3, 3]
    leaked, premises = done.json["between"]
    assert leaked.startswith("3 pairs")
    assert premises.startswith("1 premises")


def test_a_refused_file_ends_with_1_and_names_the_option_that_is_the_way_out(pairs: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text(ROWS.replace("neutral", "blorp"), encoding="utf-8")
    done = run("data", "check", odd, "--json")
    assert (done.code, done.json["error"]) == (1, "invalid_file")
    for words in (str(odd), "line 3", "blorp", "--labels"):
        assert words in done.json["detail"]
    both = run("data", "check", pairs, odd)
    assert both.code == 1
    assert "refused" in both.out
    assert "3, read 3" in both.out, "the other file is shown all the same"


def test_a_corpus_is_lines(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("A sentence.\n\nAnother one.\n", encoding="utf-8")
    done = run("data", "check", path, "--task", "corpus", "--json")
    assert (done.code, done.json["rows"], done.json["format"]) == (0, 2, "text")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--columns", "premise"], "--columns is 'premise'"),
        (["--labels", "x,y"], "--labels is 'x,y'"),
        (["--task", "guess"], "guess"),
    ],
)
def test_wrong_usage_ends_with_2(pairs: Path, arguments: list[str], says: str) -> None:
    done = run("data", "check", pairs, *arguments)
    assert done.code == 2
    assert says in " ".join(done.err.replace("│", " ").split())


def test_training_on_several_languages_wants_one_or_each_of_them(pairs: Path) -> None:
    for arguments in ([], ["--each"], ["--each", "--lang", "sw", "--lang-column", "lang"]):
        done = run("adapter", "train", pairs, *arguments)
        assert done.code == 2
        assert "--each" in done.err
