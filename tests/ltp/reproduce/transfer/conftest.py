"""Fixtures of the transfer experiment's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.transferring import small_transfer, two_starters

from ltp.backbone.load import Backbone
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.transfer.grid import TransferGrid
from ltp.reproduce.transfer.starters import Starter


@pytest.fixture(scope="session")
def starters(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> tuple[Starter, ...]:
    """A clean one and a shipped one, of the tiny backbone."""
    return two_starters(tiny_backbone, tmp_path_factory.mktemp("starters"))


@pytest.fixture
def transfer_grid(data: Path, starters: tuple[Starter, ...]) -> TransferGrid:
    """The small experiment's cells."""
    return TransferGrid(small_transfer(), DataFolder(data), starters)
