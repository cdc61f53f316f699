"""A worker that is started before its database is right waits for it, and says once what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.cli_process import started
from support.needs import POSTGRES, needs
from support.servers import Postgres, running_postgres
from support.service_processes import wait_for

from app.storage.database import Database

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
@needs(POSTGRES)
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_a_worker_says_once_what_is_missing_and_starts_by_itself(
    postgres: Postgres, tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    with postgres.database(migrated=False) as url:
        db = Database(url)
        with started("worker", backbone=tiny_backbone_dir, data=tmp_path / "data", database_url=url) as log:

            def says(*words: str) -> Callable[[], bool]:
                return lambda: all(word in log.read_text() for word in words)

            wait_for(says("has no tables yet"))
            with db.write() as session:  # some more looks
                session.execute(text("SELECT pg_sleep(1)"))
            db.migrate()
            wait_for(lambda: workers(db) == 1, message="the worker did not start")
            with db.write() as session:
                session.execute(text(f"ALTER DATABASE {db.engine.url.database} SET default_transaction_read_only = on"))
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
            wait_for(says("read-only for now"))
            with db.write() as session:
                session.execute(text(f"ALTER DATABASE {db.engine.url.database} RESET default_transaction_read_only"))
            wait_for(says("nothing is wrong with the database any more"))
            said = log.read_text()
        db.close()
    assert said.count("has no tables yet; run `ltp migrate`") == 1
    assert "Traceback" not in said


def workers(db: Database) -> int:
    with db.read() as session:
        return int(session.scalar(text("SELECT count(*) FROM workers")) or 0)
