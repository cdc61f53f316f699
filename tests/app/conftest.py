"""Databases and running services for the tests of `app`.

`db` runs a test on SQLite and on a real PostgreSQL, each time on an empty database of its own. `service`, `shared` and
`trained` are the API as a real server; `support.running_service` says how it runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.needs import POSTGRES, PROCESS, needs
from support.running_service import Service, running, settings_for, wait_until
from support.servers import Postgres, running_postgres, sqlite_template

from app.storage.blobs import BlobStore
from app.storage.database import Database


@pytest.fixture(scope="session")
@needs(POSTGRES)
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database, empty, once on each backend."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "ltp.sqlite3")
            url = f"sqlite:///{path}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        database = Database(url)
        stack.callback(database.close)
        yield database


@pytest.fixture
def store(db: Database) -> BlobStore:
    return BlobStore(db)


@pytest.fixture
@needs(PROCESS)
def service(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with an empty registry, for tests that change it."""
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as started:
        yield started


@pytest.fixture(scope="module")
@needs(PROCESS)
def shared(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service for tests that leave it as it was: refusals, mostly."""
    directory = tmp_path_factory.mktemp("shared") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as started:
        wait_until(lambda: started.http.get("/backbone").status_code == 200, 240)
        yield started


@pytest.fixture(scope="module")
@needs(PROCESS)
def trained(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A ready service with a ticket and three adapters: `en` (2 versions, the first in production), `sw`."""
    directory = tmp_path_factory.mktemp("trained") / "data"
    with running(
        settings_for(directory, migrated_sqlite, tiny_backbone_dir, fused_mb=1, queue_pairs=100_000)
    ) as started:
        wait_until(lambda: started.http.get("/backbone").status_code == 200, 240)
        started.make_ticket()
        started.train("en", alias="production", training={"epochs": 3})
        started.train("en", training={"seed": 5}, method="pt")
        started.train("sw", training={"seed": 7, "epochs": 2})
        started.wait_ready()
        yield started
