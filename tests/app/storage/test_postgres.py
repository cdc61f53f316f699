"""The limits under which the service talks to Postgres, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from support.registry_rows import make_ticket
from support.servers import Postgres

from app.http.error_statuses import code_of, status_of
from app.storage.database import Database
from app.storage.models import JobRow


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def shown(database_url: str, *names: str) -> list[str]:
    db = Database(database_url)
    try:
        with db.read() as session:
            return [session.execute(text(f"SHOW {name}")).scalar_one() for name in names]
    finally:
        db.close()


def with_query(url: str, **query: str) -> str:
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def test_every_session_has_its_limits(url: str) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")
    assert shown(url, *names) == ["30s", "10s", "30s", "ltp"]


def test_what_the_url_says_wins(url: str) -> None:
    mine = with_query(url, application_name="mine", options="-c lock_timeout=2s")
    assert shown(mine, "application_name", "lock_timeout", "statement_timeout") == ["mine", "2s", "0"]


def test_a_lock_that_nobody_gives_back_is_an_unavailable_database(url: str) -> None:
    db = Database(with_query(url, options="-c lock_timeout=100ms"))
    job = make_ticket(db)[2]
    row = select(JobRow).where(JobRow.id == job.id).with_for_update()
    with db.write() as holder:
        holder.execute(row)
        with pytest.raises(OperationalError) as refused, db.write() as session:
            session.execute(row)
    assert (status_of(refused.value), code_of(refused.value)) == (503, "database_unavailable")
    with db.write() as session:
        session.execute(row)
    db.close()


def test_connections_that_the_server_closed_are_replaced_unnoticed(postgres: Postgres, url: str) -> None:
    db = Database(url)
    make_ticket(db)
    with postgres.database() as elsewhere:
        admin = Database(elsewhere)
        ended = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")
        with admin.read() as session:
            assert session.execute(ended, {"name": make_url(url).database}).scalar_one() > 0
        admin.close()
    make_ticket(db)
    db.close()


def test_a_pool_that_is_used_up_is_an_unavailable_database() -> None:
    error = NoConnectionFree("QueuePool limit of size 5 overflow 15 reached")
    assert (status_of(error), code_of(error)) == (503, "database_unavailable")
