"""How the service talks to Postgres: how long it waits for what, how many connections it takes, and what it refuses.

Every transaction here is short, so whatever lasts longer is a fault: a server that is gone, a network that swallows
packets, a lock that is not released. Each ends as an error of the database, which requests answer with 503 and
workers try again. An argument in the URL wins over the one given here (`?connect_timeout=10`). What no limit here ends
is a wait for a host that goes on acknowledging packets while its server is frozen: requests then wait as long as it is.

Behind a pooler in transaction mode a connection is another server's at every transaction, so nothing may stay on it:
no prepared statements, and the limits are set anew in each transaction.
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.exc import OperationalError

from app.database_url import NONE, POOLER, PREPARE
from app.errors import DatabaseUnavailable
from app.storage.sql_states import as_not_now

CONNECT_S = 5
"""To reach the server, for each of its addresses."""
SILENT_S = 30
"""Packets that are not acknowledged for so long end the connection; half of a lease, so that heartbeats try again."""
STATEMENT_S = 30
LOCK_S = 10
IDLE_S = 30
"""A transaction that does nothing for so long belongs to a process that is frozen. Its locks are gone, then, before the
lease of a job runs out, which could not be taken back while its row is locked."""
POOL = 5
OVERFLOW = 15
"""An API takes up to 20 connections under load and keeps 5; a worker and its job together need 5."""
POOL_S = 5
"""A request that gets no connection for so long is answered with 503."""
RECYCLE_S = 300
"""A connection is opened anew when it is so old: after a switchover that closed none, readers find the new server."""

LIMITS = {
    "statement_timeout": f"{STATEMENT_S}s",
    "lock_timeout": f"{LOCK_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
}
SET_LIMITS = "; ".join(f"SET LOCAL {name} = '{limit}'" for name, limit in LIMITS.items())


def postgres_engine(url: URL, **options: Any) -> Engine:
    """Make the engine for a URL as `app.database_url` has read it."""
    pooled = url.query.get(POOLER, NONE) != NONE
    engine = create_engine(
        url.difference_update_query([POOLER, PREPARE]),
        connect_args=_arguments(url, pooled=pooled),
        pool_pre_ping=True,  # after a restart of the server the first statement meets a new connection
        pool_recycle=RECYCLE_S,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        pool_timeout=POOL_S,
        **options,
    )
    event.listen(engine, "handle_error", as_not_now)
    event.listen(engine, "do_connect", _connect_to_pooler if pooled else _connect)
    if pooled:
        event.listen(engine, "begin", _set_limits)
    return engine


def _arguments(url: URL, *, pooled: bool) -> dict[str, Any]:
    """Return what psycopg is told beside what the URL says."""
    connect: dict[str, Any] = {
        "application_name": "ltp",
        "connect_timeout": CONNECT_S,
        "keepalives_idle": SILENT_S // 2,
        "keepalives_interval": SILENT_S // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENT_S * 1000,
    }
    limits = "" if pooled else " ".join(f"-c {name}={limit}" for name, limit in LIMITS.items())
    connect["options"] = limits  # empty: not even those of PGOPTIONS, which a pooler refuses
    arguments = {name: value for name, value in connect.items() if name not in url.query}
    if pooled:
        arguments[PREPARE] = None
    elif PREPARE in url.query:
        threshold = str(url.query[PREPARE])
        arguments[PREPARE] = None if threshold == NONE else int(threshold)
    return arguments


def _connect(dialect: Dialect, _record: object, arguments: tuple[Any, ...], words: dict[str, Any]) -> Any:
    """Open a connection to the server itself."""
    try:
        connection = dialect.connect(*arguments, **words)
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" in str(error):  # PgBouncer's words; it has no code of its own for this
            raise _unusable(BEHIND_A_POOLER) from error
        raise
    return _checked(connection, pooled=False)


def _connect_to_pooler(dialect: Dialect, _record: object, arguments: tuple[Any, ...], words: dict[str, Any]) -> Any:
    return _checked(dialect.connect(*arguments, **words), pooled=True)


BEHIND_A_POOLER = (
    "there is a pooler between this program and the database, which would mix up what belongs to one connection; "
    "set LTP_DATABASE_POOLER=transaction, or connect to the server itself"
)


def _checked(connection: Any, *, pooled: bool) -> Any:
    """Return a new connection, unless what it leads to can never be right: then it is closed and the reason raised."""
    try:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise _unusable(
                f"the database's encoding is {encoding}, which cannot hold every language; "
                "make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )
        if not pooled and _backend(connection) != connection.info.backend_pid:
            raise _unusable(BEHIND_A_POOLER)
    except BaseException:
        connection.close()
        raise
    return connection


def _backend(connection: Any) -> int:
    """Return the process that does the work, by its own word; a pooler has told another."""
    found = int(connection.execute("SELECT pg_backend_pid()").fetchone()[0])
    connection.rollback()
    return found


def _set_limits(connection: Connection) -> None:
    """Begin a transaction with the limits that startup parameters cannot carry through a pooler."""
    connection.exec_driver_sql(SET_LIMITS)


def _unusable(sentence: str) -> OperationalError:
    """Return the error that everything takes for "not now", with a cause that says what is wrong."""
    return OperationalError(None, None, DatabaseUnavailable(sentence))
