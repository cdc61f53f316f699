"""The schema comes from the migrations alone, and they agree with the models on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import event, inspect
from support.servers import Postgres

from app.storage.database import Database
from app.storage.table import Base

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'deep' / 'ltp.sqlite3'}")
        yield db
        db.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(migrated=False) as url:
        db = Database(url)
        yield db
        db.close()


def tables(db: Database) -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_is_what_the_models_say_and_down_is_nothing(empty: Database) -> None:
    empty.migrate()
    assert tables(empty) == set(Base.metadata.tables)
    command.check(empty.alembic())
    empty.migrate()
    command.downgrade(empty.alembic(), "base")
    assert tables(empty) == set()
    empty.migrate()
    command.check(empty.alembic())


@pytest.mark.process
def test_several_processes_may_migrate_at_once(empty: Database) -> None:
    url = empty.engine.url.render_as_string(hide_password=False)
    code = f"from app.storage.database import Database; Database({url!r}).migrate()"
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert tables(empty) == set(Base.metadata.tables)


def test_others_see_every_revision_or_none(empty: Database) -> None:
    others = Database(empty.engine.url.render_as_string(hide_password=False))
    seen: list[set[str]] = []

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT INTO alembic_version", "UPDATE alembic_version")):
            seen.append(tables(others))

    event.listen(empty.engine, "after_cursor_execute", look)
    empty.migrate()

    revisions = list((ROOT / "migrations" / "versions").glob("2*.py"))
    assert seen == [set()] * len(revisions)
    assert tables(others) == set(Base.metadata.tables)
    others.close()


@pytest.mark.process
def test_the_alembic_command_uses_the_settings(tmp_path: Path) -> None:
    environment = {"LTP_DATABASE_URL": f"sqlite:///{tmp_path / 'ltp.sqlite3'}", "PATH": "/usr/bin:/bin"}
    for arguments in (["upgrade", "head"], ["check"]):
        alembic = [sys.executable, "-m", "alembic", *arguments]
        done = subprocess.run(alembic, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
