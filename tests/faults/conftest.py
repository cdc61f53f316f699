"""Fault tests run on SQLite files of their own, with the service's real processes around them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.deployment import Deployment
from support.needs import POSTGRES, PROCESS, needs
from support.servers import Postgres, Redis, running_postgres, running_redis, sqlite_template
from support.service_processes import Stack

from app.storage.database import Database


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
@needs(POSTGRES)
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
@needs(PROCESS)
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated database, empty."""
    shutil.copy(migrated_sqlite, tmp_path / "ltp.sqlite3")
    database = Database(f"sqlite:///{tmp_path / 'ltp.sqlite3'}")
    yield database
    database.close()


@pytest.fixture
@needs(PROCESS)
def make_stack(tmp_path: Path, tiny_backbone_dir: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks in this test's directory with settings of one's own, and ends every process of theirs."""
    made: list[Stack] = []

    def make(**settings: Any) -> Stack:
        made.append(Stack(tmp_path / "data", tiny_backbone_dir, **settings).migrate())
        return made[-1]

    yield make
    for stack in made:
        stack.close()
        assert stack.processes() == []


@pytest.fixture
@needs(PROCESS)
def make_deployment(
    tmp_path: Path, tiny_backbone_dir: Path, postgres: Postgres, redis: Redis
) -> Iterator[Callable[..., Deployment]]:
    """As `make_stack`, on Postgres and Redis; one a test."""
    made: list[Deployment] = []
    with postgres.database() as url:

        def make(**settings: Any) -> Deployment:
            redis.flush()
            made.append(Deployment(tmp_path / "data", tiny_backbone_dir, database_url=url, redis=redis, **settings))
            return made[-1]

        yield make
        for deployment in made:
            deployment.close()
            assert deployment.processes() == []
