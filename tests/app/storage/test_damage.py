"""Damaged pages are known by the codes of SQLite and Postgres, and make the database unusable for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from support.servers import Postgres

from app.storage.damage import DatabaseDamaged, is_damaged
from app.storage.database import Database
from app.storage.health import SOUND, examine
from app.storage.models import TenantRow
from app.storage.table import now


@pytest.fixture
def damaged_postgres(postgres: Postgres) -> Iterator[Database]:
    """A database of which the first page of `tenants` is overwritten on the disk, before the server has read it."""
    with postgres.database() as url:
        first = Database(url)
        with first.write() as session:
            session.add(TenantRow(name="one", created_at=now(session)))
        first.close()
        name = make_url(url).database
        postgres._execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}" STRATEGY file_copy')
        db = Database(make_url(url).set(database=f"{name}_copy").render_as_string(hide_password=False))
        try:
            with db.read() as session:
                relation = session.scalar(text("SELECT pg_relation_filepath('tenants')"))
            overwrite(postgres._server.pgdata / str(relation), at=0)
            yield db
        finally:
            db.close()
            postgres._execute(f'DROP DATABASE "{name}_copy" WITH (FORCE)')


@pytest.fixture
def damaged_sqlite(db: Database) -> Database:
    with db.write() as session:
        session.add(TenantRow(name="one", created_at=now(session)))
    db.empty_log()
    path = Path(str(db.engine.url.database))
    db.close()
    with sqlite3.connect(path) as connection:
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tenants'").fetchone()
    overwrite(path, at=(root - 1) * page)
    return db


def overwrite(path: Path, *, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 4096)


def test_a_damaged_page_of_postgres_makes_the_database_unusable(damaged_postgres: Database) -> None:
    db = damaged_postgres
    assert examine(db) == SOUND, "nobody has met the page yet"
    with pytest.raises(SQLAlchemyError) as raised, db.read() as session:
        session.scalars(select(TenantRow)).all()
    assert is_damaged(raised.value)
    assert not examine(db).usable
    assert examine(db).sentence == str(DatabaseDamaged())


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_damaged_page_of_sqlite_makes_the_database_unusable(damaged_sqlite: Database) -> None:
    db = damaged_sqlite
    with pytest.raises(DatabaseError) as raised, db.read() as session:
        session.scalars(select(TenantRow)).all()
    assert is_damaged(raised.value)
    assert not examine(db).usable


def test_other_errors_are_no_damage(db: Database) -> None:
    with pytest.raises(SQLAlchemyError) as raised, db.read() as session:
        session.execute(text("SELECT * FROM nothing_of_this_name"))
    assert not is_damaged(raised.value)
    assert examine(db) == SOUND
