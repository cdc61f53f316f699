"""`ltp starter build`: a starter from the keyboard, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.starter_data import write_recipe, write_sources
from typer.testing import CliRunner

from app.cli.program import root

runner = CliRunner()


@pytest.fixture
def arguments(tiny_backbone_dir: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "data").mkdir()
    data, recipe = write_sources(tmp_path / "data"), write_recipe(tmp_path / "own.toml")
    named = ["--data", str(data), "--output", str(tmp_path / "out"), "--backbone", str(tiny_backbone_dir)]
    return ["starter", "build", str(recipe), *named]


@pytest.mark.slow
def test_a_starter_is_made_and_shown(arguments: list[str], tmp_path: Path) -> None:
    bounds = ["--without-rows-of", "americasnli, afrixnli", "--rows", "30", "--sentences", "20"]
    first = runner.invoke(root, [*arguments, *bounds, "--json"])
    assert first.exit_code == 0, first.output
    facts = json.loads(first.stdout)
    assert facts["recipe"]["without_rows_of"] == ["americasnli", "afrixnli"]
    assert facts["recipe"]["mlm"]["sample"] == 20
    assert [row["source"] for row in facts["sources"]] == ["xnli", "indonli"]
    assert "--without-rows-of americasnli,afrixnli" in facts["command"]
    assert facts["command"].endswith("--rows 30 --sentences 20")
    assert str(tmp_path / "data") not in facts["command"]
    assert "xnli: " in first.stderr
    second = runner.invoke(root, [*arguments, *bounds])
    assert second.exit_code == 0, second.output
    assert str(tmp_path / "out" / "tiny.safetensors") in second.stdout
    assert "xnli en" in second.stdout


def test_what_cannot_be_made_is_refused_in_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    refused = runner.invoke(root, [*arguments, "--without-rows-of", "asianli"])
    assert refused.exit_code == 1
    assert "no source 'asianli'" in refused.stderr.replace("\n", " ")
    (tmp_path / "data/xnli/dev-sw.tsv").unlink()
    refused = runner.invoke(root, [*arguments, "--json"])
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"] == "unsound_data"
    assert "xnli/dev-sw.tsv" in json.loads(refused.stdout)["detail"]
