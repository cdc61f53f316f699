"""What tests of the engine and of exports share: adapters of every kind on a backbone of three layers."""

from __future__ import annotations

import pytest
from support.every_adapter import LAYERS, Library, every_adapter
from support.tiny_backbone import write_tiny

from ltp.backbone.load import Backbone, load_backbone


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A random XLM-R of three layers; nothing may change it."""
    return load_backbone(write_tiny(tmp_path_factory.mktemp("three"), layers=LAYERS))


@pytest.fixture(scope="session")
def library(backbone: Backbone) -> Library:
    """Adapters of every kind on it, with their tickets."""
    return every_adapter(backbone)
