"""`ltp adapter train` and what it began from, as it is typed and as it is shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from support.cli_process import Done

from app.cli.adapter_display import begun, print_adapter, start_of
from app.cli.train import sources_of

Run = Callable[..., Done]


def test_training_from_another_adapter_is_said_where_adapters_are_shown(
    ltp: Run, adapter: dict[str, Any], pairs_file: Path
) -> None:
    few = ("--epochs", "1", "--estimate", "holdout", "--precision", "auto")
    done = ltp("adapter", "train", pairs_file, "--lang", "sw", "--start", "en@production", *few, "--json")
    assert done.code == 0, done.err
    made = done.json["adapter"]
    assert (made["start"]["id"], made["ticket"]) == (adapter["id"], adapter["ticket"])
    assert made["training"]["precision"] in ("fp32", "bf16")
    began, name = f"en@{adapter['version']}", f"sw@{made['version']}"
    shown = ltp("adapter", "show", name).out
    assert began in shown
    assert f"values {made['training']['delta_dtype']}" in shown
    assert f"ltp, from {began}" in ltp("adapter", "list", "--lang", "sw").out
    assert "the pretrained values" in ltp("adapter", "show", began).out


@pytest.mark.parametrize(
    ("passed", "verdict"), [(True, "agrees with fp32: "), (False, "agrees too little with fp32: ")]
)
def test_what_answering_in_int8_changes_is_shown(adapter: dict[str, Any], passed: bool, verdict: str) -> None:
    differences = {"labels_changed": 3, "mean_difference": 0.0042, "largest_difference": 0.125}
    agreement = {"pairs": 90, **differences, "levels": 127, "passed": passed}
    measured = adapter | {"metrics": adapter["metrics"] | {"int8_agreement": agreement}}
    console = Console(file=io.StringIO(), width=200)
    print_adapter(console, measured)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert verdict + "3 of 90 labels changed, probabilities by 0.0042, at most 0.1250" in shown


def test_what_an_imported_adapter_began_from_is_not_made_up() -> None:
    imported = {"origin": "import", "start": None, "training": {}}
    assert start_of(imported) == "not known: it was imported"
    said = {**imported, "training": {"start": {"lang": "mul", "version": 1}}}
    assert start_of(said) == "mul@1, by what its file says"
    assert start_of({**imported, "origin": "training"}) == "the pretrained values"


def test_several_languages_train_one_adapter(ltp: Run, ticket: dict[str, Any], pairs_file: Path) -> None:
    sources = ("--source", f"en={pairs_file}", "--source", f"swa={pairs_file}:2.5")
    done = ltp("adapter", "train", "--lang", "mul", *sources, "--start", "none", "--epochs", "1", "--json")
    assert done.code == 0, done.err
    made = done.json["adapter"]
    assert made["start"] is None
    assert made["examples"]["sources"] == [
        {"lang": "en", "weight": 1.0, "pairs": 36},
        {"lang": "sw", "weight": 2.5, "pairs": 36},
    ]
    assert "(from en 36, sw 36)" in ltp("adapter", "show", "mul@1").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lang", "sw"], "give EXAMPLES"),
        (["--lang", "sw", "--source", "sw"], "is not LANG=FILE"),
        (["--lang", "sw", "--source", "sw=nowhere.tsv"], "there is no file 'nowhere.tsv'"),
        (["--each", "--lang-column", "lang", "--source", "sw=pairs.tsv"], "--each takes the languages of EXAMPLES"),
    ],
)
def test_what_cannot_be_is_wrong_usage(ltp: Run, arguments: list[str], words: str) -> None:
    done = ltp("adapter", "train", *arguments)
    assert (done.code, words in " ".join(done.err.replace("│", " ").split())) == (2, True), done.err


def test_a_rate_is_a_number_or_auto(ltp: Run, pairs_file: Path) -> None:
    done = ltp("adapter", "train", pairs_file, "--lang", "sw", "--learning-rate", "fast")
    assert (done.code, "must be a number or auto" in done.err) == (2, True), done.err


def test_a_source_is_a_language_a_file_and_a_weight(pairs_file: Path) -> None:
    (plain, weighted) = sources_of([f"sw={pairs_file}", f"yor_Latn={pairs_file}:0.5"])
    assert (plain.lang, plain.path, plain.weight) == ("sw", pairs_file, 1.0)
    assert (weighted.lang, weighted.path, weighted.weight) == ("yor_Latn", pairs_file, 0.5)
    assert plain.part != weighted.part
    with pytest.raises(typer.BadParameter):
        sources_of(["=x"])


def test_a_starter_is_not_taken_for_something_trained_here() -> None:
    assert begun({"method": "ltp", "origin": "starter", "start": None}) == "ltp, the starter"
    assert begun({"method": "ltp", "origin": "import", "start": None}) == "ltp, import"
    assert begun({"method": "ft", "origin": "training", "start": None}) == "ft"


def test_a_service_without_a_starter_says_so(ltp: Run) -> None:
    done = ltp("adapter", "show", "starter")
    assert (done.code, "this service has no starter" in done.err) == (1, True), done.err
