"""`ltp language`: a language's own text at the keyboard, and an adapter on top of what it changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.cli_process import Done
from support.running_service import LINES

Run = Callable[..., Done]


def test_a_language_is_adapted_listed_and_trained_on_top_of(
    ltp: Run, ticket: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    text = tmp_path / "nah.txt"
    text.write_text("\n".join(LINES), encoding="utf-8")
    done = ltp("language", "adapt", "nah", text, "--ticket", "first", "--epochs", "1", "--json")
    assert done.code == 0, done.err
    made = done.json["language_delta"]
    assert (made["lang"], made["version"], made["ticket"], made["config"]["epochs"]) == ("nah", 1, ticket["id"], 1)
    listed = ltp("language", "list")
    assert f"{made['held_out']['before']:.3f} -> {made['held_out']['after']:.3f}" in listed.out
    on_top = ("--language-delta", made["id"], "--start", "none", "--epochs", "1", "--json")
    trained = ltp("adapter", "train", pairs_file, "--lang", "nah", *on_top)
    assert trained.code == 0, trained.err
    assert trained.json["adapter"]["language_delta"] == {"id": made["id"], "lang": "nah", "version": 1}


def test_a_text_with_a_fault_is_named_before_it_travels(ltp: Run, tmp_path: Path) -> None:
    text = tmp_path / "bad.txt"
    text.write_bytes(b"a line\nanother \x00 line\n")
    done = ltp("language", "adapt", "nah", text)
    assert done.code == 1
    assert "U+0000" in done.err
    assert ltp("language", "adapt", "nah", text, "--set", "patience=0").code == 2
