"""Travels and shares of two drifts that are made up: 10 words of 4 values, one layer of 40."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.travel import main, shares, travels
from ltp.backbone.architecture import WORD_EMBEDDINGS as WORDS
from ltp.backbone.strategy import Strategy
from ltp.drift.stored import Drift

LAYER = "roberta.encoder.layer.0.output.dense.weight"
REPORT = {"steps": 4, "best_step": 2, "config": {"learning_rate": 1.0}}
REACH = 1 + 0.75


def drift(strategy: Strategy, rows: list[int], words: float, layer: float) -> Drift:
    values = {WORDS: torch.full((len(rows), 4), words * REACH * 2**3), LAYER: torch.full((4, 10), layer * REACH * 2**3)}
    halves = {name: found.half() for name, found in values.items()}
    shapes = {WORDS: (10, 4), LAYER: (4, 10)}
    return Drift(halves, {WORDS: torch.tensor(rows)}, 3, strategy, "0" * 64, shapes, REPORT)


TIED = drift("tied", list(range(10)), 0.5, 0.25)
DECOUPLED = drift("decoupled", [1, 7], 0.125, 0.25)


def test_travel_is_drift_over_the_sum_of_the_rates_by_group() -> None:
    found = {name: (group.numel(), pytest.approx(float(group.mean()))) for name, group in travels(TIED, DECOUPLED)}
    assert found == {
        "tied: rows in the text": (8, 0.5),
        "tied: other rows": (32, 0.5),
        "tied: layers": (40, 0.25),
        "decoupled: rows in the text": (8, 0.125),
        "decoupled: layers": (40, 0.25),
    }


def test_words_that_all_travelled_further_fill_small_tickets() -> None:
    tied = drift("tied", list(range(10)), 0.5, 0.25)
    tied.values[WORDS][0] = 0
    found = dict(shares(tied))
    assert found[0.2] == 1
    assert found[0.75] == 36 / 60


def test_it_reads_the_artefacts_of_an_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TIED.save(tmp_path / "drift-tied-0.safetensors")
    DECOUPLED.save(tmp_path / "drift-decoupled-1.safetensors")
    main(tmp_path)
    assert "| tied: other rows | 32 | 0.500 | 0.500 |" in capsys.readouterr().out
