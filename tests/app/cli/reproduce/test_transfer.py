"""`ltp reproduce transfer` from the keyboard: run on named starters, gone on with, refused where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.benchmarks import write_data
from support.transferring import write_starter
from typer.testing import CliRunner

from app.cli.program import root
from ltp.backbone.load import Backbone

runner = CliRunner()
OWN = """
name = "own"
title = "Own"
about = "Own."
shots = ["2"]
seeds = 1
precision = "fp32"
text_epochs = 1

[[targets]]
name = "americasnli"
title = "AmericasNLI"
test = "americasnli"
pool = "americasnli"
languages = ["quy", "aym"]

[[recipes]]
name = "zero-shot"
title = "the starter"
method = "zero-shot"

[[recipes]]
name = "started"
title = "started"
epochs = 2
against = "zero-shot"

[[recipes]]
name = "text"
title = "with text"
language_text = true
epochs = 2
against = "started"

[[steps]]
recipes = ["zero-shot", "started", "text"]
"""


@pytest.fixture
def arguments(tiny_backbone: Backbone, tiny_backbone_dir: Path, tmp_path: Path) -> list[str]:
    """An experiment of one's own with a clean starter, on the tiny backbone."""
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    starter = write_starter(tiny_backbone, tmp_path / "clean.safetensors", seed=1)
    data = write_data(tmp_path / "data")
    named = {"--data": data, "--output": tmp_path / "out", "--backbone": tiny_backbone_dir, "--clean-starter": starter}
    return [str(tmp_path / "own.toml"), *(str(each) for pair in named.items() for each in pair)]


@pytest.mark.slow
def test_it_is_run_reported_and_gone_on_with(arguments: list[str], tmp_path: Path) -> None:
    first = runner.invoke(root, ["reproduce", *arguments, "--recipes", "zero-shot,started", "--pairs", "12", "--json"])
    assert first.exit_code == 0, first.output
    said = json.loads(first.stdout)
    assert said["cells"] == 4
    assert [Path(path).name for path in said["report"]] == ["own.md", "own.html", "own.json"]
    facts = json.loads((tmp_path / "out" / "own.json").read_text(encoding="utf-8"))
    assert "--recipes zero-shot,started" in facts["command"]
    assert f"--clean-starter {tmp_path / 'clean.safetensors'}" in facts["command"]
    cells = set((tmp_path / "out" / "ledger" / "cells").iterdir())

    more = runner.invoke(root, ["reproduce", *arguments, "--pairs", "12", "--further-starter", f"two={arguments[-1]}"])
    assert more.exit_code == 0, more.output
    assert "started" in more.stdout
    after = set((tmp_path / "out" / "ledger" / "cells").iterdir())
    assert cells < after
    assert len(after) == 4 + 2, "aym's text, and the training on it; quy has none"


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("table1", ["--clean-starter", "CLEAN"], "--clean-starter: of transfer alone"),
        ("table1", ["--recipes", "started"], "--recipes: of transfer alone"),
        ("transfer", ["--on-workers"], "--on-workers: of the paper's experiments"),
        ("transfer", ["--methods", "ft"], "--methods: of the paper's experiments"),
        ("transfer", ["--further-starter", "two"], "must be NAME=FILE"),
    ],
)
def test_options_of_the_other_kind_are_refused(
    arguments: list[str], tmp_path: Path, name: str, more: list[str], words: str
) -> None:
    given = [str(tmp_path / "clean.safetensors") if each == "CLEAN" else each for each in more]
    done = runner.invoke(root, ["reproduce", name, *arguments[1:7], *given], env={"COLUMNS": "200"})
    assert done.exit_code == 2, done.output
    assert words in done.output


def test_without_a_starter_it_says_how_to_name_one(arguments: list[str]) -> None:
    done = runner.invoke(root, ["reproduce", *arguments[:7]])
    assert done.exit_code == 1
    assert "--starter or --clean-starter" in done.output
