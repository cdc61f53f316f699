"""Line 1's rows, from sides that are made up."""

from __future__ import annotations

from typing import Any

import pytest

from bench.lines import Options, drift_step
from bench.side import Measured

SIDES = {
    "ours": Measured([2.0, 1.0, 1.5], units=300, peak_rss_mb=40),
    "grouped": Measured([4.0], units=300, peak_rss_mb=90),
    "shuffled": Measured([8.0], units=300, peak_rss_mb=100),
    "our_losses": Measured([1.0], detail={"losses": [3.0, 2.0]}),
    "peer_losses": Measured([1.0], detail={"losses": [3.0, 2.0005]}),
}


def test_each_side_is_held_to_its_own_goal() -> None:
    def run(function: str, **_: Any) -> Measured:
        return SIDES[function.partition(":")[2]]

    rows = list(drift_step.figures(Options(), measure=run))
    assert len({row.name for row in rows}) == len(rows) == 7
    found = {row.name: (row.ratio, row.goal, row.met) for row in rows}
    assert found["fp32, random batches"] == (pytest.approx(8 / 1.5), "at least 5x", True)
    assert found["bf16, grouped by length"] == (pytest.approx(4 / 1.5), "at least 2.5x", True)
    assert found["bf16, memory"] == (pytest.approx(0.4), "at most 0.45x", True)
    assert rows[-1].ours == pytest.approx(5e-4)
    assert rows[-1].met
