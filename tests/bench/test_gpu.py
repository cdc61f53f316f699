"""The measurement of a GPU runs without one at small sizes, keeps what it measured, and says what went wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.gpu.__main__ import PARTS, SECONDS, _failed, _shares

ROOT = Path(__file__).parents[2]


def measured(*options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [ROOT / "bench" / "gpu.sh", "--small", *options],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.process
@pytest.mark.slow
def test_a_part_is_measured_and_a_device_that_is_not_there_is_said(tmp_path: Path) -> None:
    status, found = measured("--device", "cpu", "--parts", "rates", "--out", str(tmp_path / "gpu.json"))
    rates = {each["name"]: each for each in found["parts"]["rates"]["measured"]}
    assert (status, found["failed"]) == (0, [])
    assert rates["product bfloat16"]["tera_operations_a_second"] > 0
    assert json.loads((tmp_path / "gpu.json").read_text()) == found
    status, found = measured("--device", "cuda:99", "--parts", "rates")
    assert status == 1
    assert any("device is 'cuda:99'" in sentence for sentence in found["failed"])


def test_all_parts_fit_into_eight_minutes() -> None:
    assert sum(part.seconds for part in PARTS) <= SECONDS + 10 <= 8 * 60


def test_what_failed_is_named_and_shares_are_of_the_bf16_product() -> None:
    results = {
        "rates": {"measured": [{"name": "product bfloat16", "tera_operations_a_second": 100.0}]},
        "serving": {
            "failed": "stopped after 3 s",
            "measured": [
                {"name": "engine", "batches of 64": {"tera_operations_a_second": 20.0}},
                {"name": "x", "failed": "no"},
            ],
        },
    }
    assert list(_failed(results)) == ["serving: stopped after 3 s", "serving, x: no"]
    assert _shares(results)["engine, batches of 64"] == pytest.approx(0.2)
