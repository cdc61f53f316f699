"""What Postgres' error codes mean for requests, with errors that a real server gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from support.servers import Postgres

from app.http.error_statuses import code_of, status_of
from app.storage.database import Database
from app.storage.sql_states import explain

HIDDEN = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
"""What a pooler does between two clients; psycopg would notice the plain statement."""


@pytest.fixture
def db(postgres: Postgres) -> Iterator[Database]:
    """A database where every statement is prepared at once, as it is after the fifth time."""
    with postgres.database() as url:
        found = Database(make_url(url).update_query_dict({"prepare_threshold": "0"}).render_as_string(False))
        run(found, "CREATE TABLE things (name varchar(10))", "INSERT INTO things VALUES ('one')")
        yield found
        found.close()


def run(db: Database, *statements: str) -> None:
    with db.write() as session:
        for statement in statements:
            session.execute(text(statement))


def names(db: Database) -> list[str]:
    """Read what is there; what is prepared outlasts a commit only."""
    with db.write() as session:
        return list(session.scalars(text("SELECT name FROM things")))


def not_now(error: DBAPIError, words: str) -> None:
    assert (status_of(error), code_of(error)) == (503, "database_unavailable")
    assert words in str(explain(error))


@pytest.mark.parametrize(
    "meanwhile",
    [HIDDEN, "ALTER TABLE things ALTER name TYPE varchar(20)"],
    ids=["the statements are gone", "the columns have changed"],
)
def test_what_was_prepared_and_is_gone_is_prepared_anew(db: Database, meanwhile: str) -> None:
    assert names(db) == names(db) == ["one"]
    if meanwhile == HIDDEN:
        run(db, meanwhile)
    else:
        other = Database(db.url)
        run(other, meanwhile)
        other.close()
    with pytest.raises(DBAPIError) as lost:
        names(db)
    not_now(lost.value, "try again")
    assert names(db) == ["one"], "on a new connection"


def test_a_read_only_server_is_not_now_and_is_left_by_every_connection(db: Database) -> None:
    name = make_url(db.url).database
    with db.read() as one, db.read() as another:  # two connections, which go back into the pool
        assert one.scalar(text("SELECT 1")) == another.scalar(text("SELECT 1"))
        for session in (one, another):
            session.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
            session.commit()
    with pytest.raises(DBAPIError) as refused:
        run(db, "INSERT INTO things VALUES ('two')")
    not_now(refused.value, "read-only")
    run(db, "INSERT INTO things VALUES ('two')")
    with db.write() as one, db.write() as another:
        for session in (one, another):
            assert session.scalar(text("SHOW transaction_read_only")) == "off", name


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT * FROM nothing", "ltp migrate"),
        ("SELECT nothing FROM things", "ltp migrate"),
        ("SELECT * FROM nowhere.things", "ltp migrate"),
        ("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(5)", "too long"),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$", "at the same time"),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53300'; END $$", "no connection"),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '25P04'; END $$", "too long"),
    ],
)
def test_what_is_not_possible_now_says_why(db: Database, statement: str, words: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        run(db, *statement.split("; ")) if statement.startswith("SET") else run(db, statement)
    not_now(refused.value, words)


def test_a_transaction_that_was_idle_for_too_long_is_not_now(db: Database) -> None:
    with db.read() as session:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        _wait_until_ended(db, session.scalar(text("SELECT pg_backend_pid()")))
        with pytest.raises(DBAPIError) as refused:
            session.execute(text("SELECT 1"))
    not_now(refused.value, "too long")
    assert names(db) == ["one"]


def _wait_until_ended(db: Database, pid: int | None) -> None:
    there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    with db.read() as other:
        while other.scalar(there, {"pid": pid}):
            other.rollback()


def test_what_can_never_be_stored_is_no_passing_fault(db: Database) -> None:
    run(db, "CREATE TABLE indexed (name text PRIMARY KEY)")
    random = "SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i"
    with pytest.raises(DBAPIError, match="maximum size") as refused:
        run(db, f"INSERT INTO indexed {random}")
    assert status_of(refused.value) == 500
