"""Running services for the tests of the API; `served` says how they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Service, running, settings_for, wait_until


@pytest.fixture
def service(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with an empty registry, for tests that change it."""
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as started:
        yield started


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service for tests that leave it as it was: refusals, mostly."""
    directory = tmp_path_factory.mktemp("shared") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as started:
        wait_until(lambda: started.http.get("/backbone").status_code == 200, 60)
        yield started
