"""What an MLM run takes of memory is within the estimate that a service refuses by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.peak_memory import peak_mb
from support.tiny_backbone import write_tiny

from ltp.backbone.load import load_backbone
from ltp.backbone.strategy import STRATEGIES, Strategy
from ltp.config import MLMConfig
from ltp.drift.memory import drift_bytes
from ltp.drift.train import train_drift
from ltp.model.footprint import FLOAT, PROCESS

LINES = [f"the dog {number} runs in the house and the cat sleeps under the table" for number in range(40)]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_mlm_run_stays_within_its_estimate(strategy: Strategy, tmp_path: Path) -> None:
    """In one process they use the same heap again, so only the upper bound is held."""
    backbone = load_backbone(write_tiny(tmp_path / "wide", hidden=512))
    config = MLMConfig(epochs=2, batch_size=8)
    peak = peak_mb(lambda: train_drift(backbone, LINES, strategy=strategy, config=config))
    bound = drift_bytes(backbone.info, strategy=strategy, config=config, lines=len(LINES))
    without = (bound - PROCESS - FLOAT * backbone.info.parameters) / 1e6  # both are in memory before
    assert peak < without


def test_lines_that_are_split_read_no_more_rows_than_they_have_characters(tmp_path: Path) -> None:
    """A few documents of a line each may read every row; a few short lines do not, and are not refused for it."""
    info = load_backbone(write_tiny(tmp_path / "tiny")).info

    def bound(characters: int | None, **config: Any) -> int:
        return drift_bytes(
            info, strategy="decoupled", config=MLMConfig(max_length=8, **config), lines=4, characters=characters
        )

    assert bound(20) < bound(100) < bound(10**6) == bound(10**9)
    assert bound(10**6, long_lines="cut") == bound(None) == bound(None, long_lines="cut") < bound(10**6)
