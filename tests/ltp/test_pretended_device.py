"""Serving mixes nothing of the processor's with what lies on another device, tried on one that is pretended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRETENDED = "meta"


@pytest.mark.process
@pytest.mark.slow
def test_nothing_of_the_processors_is_mixed_with_what_lies_elsewhere() -> None:
    """On a device that is pretended: `support.pretend_device` runs all of these tests so, which takes minutes."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.pretend_device", "-p", "no:cacheprovider", "-m"]
    chosen = "two_adapters or adding_under"
    done = subprocess.run(
        [*command, "device", "tests/ltp/test_device.py", "-k", chosen],
        cwd=ROOT,
        env=os.environ | {"LTP_DEVICE": PRETENDED, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "13 passed" in done.stdout
