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


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A ready service with a ticket and three adapters: `en` (2 versions, the first in production), `sw`."""
    directory = tmp_path_factory.mktemp("trained") / "data"
    with running(
        settings_for(directory, migrated_sqlite, tiny_backbone_dir, fused_mb=1, queue_pairs=100_000)
    ) as started:
        wait_until(lambda: started.http.get("/backbone").status_code == 200, 60)
        started.make_ticket()
        started.train("en", alias="production", training={"epochs": 3})
        started.train("en", training={"seed": 5}, method="pt")
        started.train("sw", training={"seed": 7, "epochs": 2})
        started.wait_ready()
        yield started
