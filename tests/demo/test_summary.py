"""The demo's closing table: guessing, starter and trained side by side, and nothing called a starter that is none."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from demo.summary import show_comparison, show_score


def score(accuracy: float) -> dict[str, Any]:
    interval = [accuracy - 0.1, accuracy + 0.1]
    return {"accuracy": accuracy, "interval": interval, "pairs": 48, "adapters": ["mul@1"], "label_space": "three_way"}


def shown(scores: dict[str, dict[str, Any]], *, has_starter: bool) -> str:
    console = Console(file=io.StringIO(), width=80)
    show_comparison(console, scores, ["es", "sw"], has_starter=has_starter)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_guessing_starter_and_trained_stand_side_by_side() -> None:
    scores = {
        "es starter": score(0.61),
        "sw starter": score(0.52),
        "es trained": score(0.72),
        "sw trained": score(0.55),
    }
    said = shown(scores | {"sw paper": score(0.36)}, has_starter=True)
    lines = said.splitlines()
    header = next(line for line in lines if "guessing" in line)
    assert header.split() == ["guessing", "starter", "trained", "the", "paper's", "way"]
    es, sw = (next(line.split() for line in lines if line.strip().startswith(lang)) for lang in ("es", "sw"))
    assert es == ["es", "33.3", "%", "61.0", "%", "72.0", "%"]
    assert sw == ["sw", "33.3", "%", "52.0", "%", "55.0", "%", "36.0", "%"]
    assert "[42.0, 62.0]" in said
    assert "…" not in said
    assert "what was trained the paper's way, which flatters" in " ".join(said.split())


def test_without_a_starter_there_is_no_column_for_one() -> None:
    said = shown({"es trained": score(0.4), "sw trained": score(0.35)}, has_starter=False)
    header = next(line for line in said.splitlines() if "guessing" in line)
    assert "starter" not in header
    assert "No starter came with this program" in said
    assert "the adapters, which flatters" in said


def test_a_score_says_who_answered() -> None:
    console = Console(file=io.StringIO(), width=160)
    show_score(console, score(0.5))
    assert isinstance(console.file, io.StringIO)
    assert "50.0 % [40.0, 60.0] on 48 pairs, answered by mul@1" in " ".join(console.file.getvalue().split())
