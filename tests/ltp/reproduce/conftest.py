"""Fixtures of the reproduction's tests: made-up data."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the shape of the real one; copy it before changing it."""
    return write_data(tmp_path_factory.mktemp("data"))
