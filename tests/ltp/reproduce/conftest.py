"""Fixtures of the reproduction's tests: made-up data and the small experiment's grid on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.benchmarks import write_data
from support.reproducing import grid_of, small

from ltp.reproduce.plan.grid import Grid


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the shape of the real one; copy it before changing it."""
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def grid(data: Path) -> Grid:
    """The small experiment's grid."""
    return grid_of(small(), data)
