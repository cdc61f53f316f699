"""The page of an adapter: what it holds, and that nothing in it is run or fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.cli_process import Done

from app.cli.report import document_of
from ltp.reproduce.report.html import render

SCORE = {
    "accuracy": 0.5,
    "interval": [0.3, 0.7],
    "label_space": "two_way",
    "macro_f1": 0.5,
    "ece": 0.12,
    "per_label": {
        "entailment": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
        "not_entailment": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
    },
    "confusion": [[1, 1], [1, 1]],
}
ADAPTER: dict[str, Any] = {
    "id": "0199f3c4",
    "lang": "quy",
    "version": 3,
    "name": "second <b>try</b>",
    "status": "ready",
    "method": "ltp",
    "origin": "training",
    "start": None,
    "training": {},
    "label_space": "two_way",
    "examples": {"train": 2, "dev": 4, "test": 0, "sha256": "x"},
    "ticket": None,
    "bytes": 1200,
    "created_at": "2026-11-29T08:00:00Z",
    "metrics": {"dev": SCORE},
    "courses": [
        {"seed": seed, "best_epoch": 2, "epochs": [
            {"epoch": epoch, "train_loss": 1.0 / epoch, "dev_loss": 0.9, "dev_accuracy": 0.4 + epoch / 20}
            for epoch in (1, 2)
        ]}
        for seed in (0, 1)
    ],
    "advice": ["label more pairs"],
}  # fmt: skip
WRONG = {
    "premise": "<script>alert(1)</script>",
    "hypothesis": "Wasiqa hatunmi.",
    "label": "entailment",
    "predicted": "not_entailment",
    "probabilities": {"entailment": 0.1, "not_entailment": 0.9},
}


class Tags(HTMLParser):
    """The tags of a page, and where their attributes lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_a_page_says_it_all_and_neither_runs_nor_fetches_what_stands_in_it() -> None:
    page = render(document_of(ADAPTER, [WRONG], [WRONG]))
    for words in ("50.0 % [30.0, 70.0]", "Pairs that it got wrong", "90.0 %", "label more pairs", "not_entailment"):
        assert words in page
    assert "&lt;script&gt;alert(1)" in page
    read = Tags(page)
    assert not read.tags & {"script", "b", "link", "iframe"}
    assert read.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in read.links)


def test_an_adapter_without_scores_has_a_page_too() -> None:
    bare = ADAPTER | {"metrics": None, "courses": [], "advice": [], "examples": None, "origin": "composed"}
    page = render(document_of(bare))
    assert "It has no scores." in page
    assert "got wrong" not in page


@pytest.mark.process
def test_a_page_is_written_with_the_pairs_that_the_service_keeps(
    ltp: Callable[..., Done], adapter: dict[str, Any], tmp_path: Path
) -> None:
    target = tmp_path / "en.html"
    done = ltp("adapter", "report", "en@1", "-o", target, "--json")
    assert done.code == 0, done.err
    assert done.json["bytes"] == target.stat().st_size
    page = target.read_text(encoding="utf-8")
    (item,) = ltp("adapter", "answers", "en@1", "--sort", "uncertainty", "-n", "1", "--json").json
    for words in (item["premise"], item["hypothesis"], "Pairs that it was least sure of", "Seed 0, best epoch"):
        assert words in page
    again = ltp("adapter", "report", "en@1", "-o", target, "--json")
    assert (again.code, json.loads(again.out)["error"]) == (1, "file_exists")


@pytest.mark.process
def test_pairs_that_were_trained_on_are_told_when_they_are_scored(
    ltp: Callable[..., Done], adapter: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    known = ltp("evaluate", "--adapter", "en@1", pairs_file, "--json").json
    assert any(note.startswith("36 of 36 pairs also stand in what en@1 was trained on") for note in known["notes"])
    assert "was trained on" in ltp("evaluate", "--adapter", "en@1", pairs_file).out
    new = tmp_path / "new.tsv"
    new.write_text("premise\thypothesis\tlabel\nA king sat.\tA king sat down.\tneutral\n", encoding="utf-8")
    assert ltp("evaluate", "--adapter", "en@1", new, "--json").json["notes"] == []
