"""Where results go: never over what is there unasked, never under a name that says something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from support.cli_process import Done

from app.cli.failure import Failure
from app.cli.target import check_ending, check_not_a_table, check_target


def test_a_file_that_is_there_is_written_over_only_when_told(tmp_path: Path) -> None:
    there = tmp_path / "answers.csv"
    there.write_text("labelled by hand", encoding="utf-8")
    with pytest.raises(Failure, match=r"answers\.csv is there already") as refused:
        check_target(there, force=False)
    assert "--force" in str(refused.value.hint)
    check_target(there, force=True)
    check_target(tmp_path / "new.csv", force=False)
    check_target(None, force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]
    assert there.read_text(encoding="utf-8") == "labelled by hand"


@pytest.mark.parametrize("place", [".", "no/such/folder.csv"])
def test_a_place_where_no_file_can_be_is_named_and_left_as_it_is(tmp_path: Path, place: str) -> None:
    with pytest.raises(OSError) as refused:
        check_target(tmp_path / place, force=True)
    assert refused.value.filename == str(tmp_path / place)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "form", "instead"),
    [("out.jsonl", "csv", "out.csv"), ("out.csv", "jsonl", "out.jsonl"), ("a.b.CSV", "tsv", "a.b.tsv")],
)
def test_a_name_that_says_another_form_is_refused_with_the_right_one(name: str, form: str, instead: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"--output {instead}$"):
        check_ending(Path(name), form)


def test_other_names_say_nothing() -> None:
    for name, form in (("out.csv", "csv"), ("out.json", "jsonl"), ("out.txt", "csv"), ("out", "tsv")):
        check_ending(Path(name), form)
    check_ending(None, "csv")
    with pytest.raises(typer.BadParameter, match="Excel"):
        check_not_a_table(Path("out.xlsx"))


@pytest.mark.process
def test_commands_ask_before_they_write_over_a_file(
    ltp: Callable[..., Done], adapter: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "there.tsv"
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("premise\thypothesis\nThe dog runs.\tIt moves.\n", encoding="utf-8")
    for command in (
        ("predict", "--adapter", "en", "--file", pairs),
        ("predict", "--adapter", "en", "--file", pairs, "--job"),
        ("adapter", "export", "en@1"),
        ("adapter", "answers", "en@1"),
        ("data", "next", pairs, "--adapter", "en", "-n", "1"),
    ):
        target.write_text("mine", encoding="utf-8")
        refused = ltp(*command, "--output", target, "--json")
        assert (refused.code, refused.json["error"]) == (1, "file_exists"), refused.err
        assert target.read_text(encoding="utf-8") == "mine"
        done = ltp(*command, "--output", target, "--force")
        assert done.code == 0, done.err
        assert target.read_bytes() != b"mine"
    other = ltp("predict", "--adapter", "en", "--file", pairs, "--output", tmp_path / "answers.csv")
    assert other.code == 2
    assert "answers.tsv" in " ".join(other.err.replace("│", "").split()).replace(" ", "")
