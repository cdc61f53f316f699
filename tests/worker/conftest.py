"""Runners and executors are tested on SQLite files of their own, as the embedded profile uses them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import sqlite_template

from app.storage.database import Database


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated database, empty."""
    shutil.copy(migrated_sqlite, tmp_path / "ltp.sqlite3")
    database = Database(f"sqlite:///{tmp_path / 'ltp.sqlite3'}")
    yield database
    database.close()
