"""The registry's and the queue's tests run on SQLite and on a real PostgreSQL, each test on a database of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers import Postgres, running_postgres, sqlite_template

from app.blobs import BlobStore
from app.db import Database


@pytest.fixture(scope="session")
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
