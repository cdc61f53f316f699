"""The database: one `Database` for API and worker, SQLite and Postgres with the same code.

SQLite runs with WAL, `synchronous=FULL` (an acknowledged job survives a power cut), foreign keys on, and writers that
say `BEGIN IMMEDIATE`, since upgrading a reader to a writer fails at once whatever the timeout. Time is the database's
clock, so that machines with different clocks agree about leases.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uuid_utils
from sqlalchemy import DateTime, Dialect, Engine, FunctionElement, MetaData, TypeDecorator, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.compiler import SQLCompiler

from app.postgres import arguments

if TYPE_CHECKING:
    from alembic.config import Config

    from app.audit import Act

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer waits for another one. Every write transaction here is short."""

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """Root of the mapped classes in `app.models`."""

    metadata = MetaData(naming_convention=NAMING)


class UTCDateTime(TypeDecorator[datetime]):
    """A point in time: timezone-aware UTC in Python, `timestamptz` in Postgres, UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite's text form carries no zone."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _DatabaseClock(FunctionElement[datetime]):
    """The database's present time, not the transaction's start."""

    type = UTCDateTime()
    inherit_cache = True


@compiles(_DatabaseClock, "sqlite")
def _sqlite_clock(element: _DatabaseClock, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ARG001
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


@compiles(_DatabaseClock, "postgresql")
def _postgres_clock(element: _DatabaseClock, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ARG001
    return "clock_timestamp()"


def now(session: Session) -> datetime:
    """Return the database's present time in UTC."""
    return session.execute(select(_DatabaseClock())).scalar_one()


def new_id() -> str:
    """Return a UUIDv7: unique everywhere, and sorted by time of creation."""
    return str(uuid_utils.uuid7())


def insert(session: Session, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT; both dialects spell it the same."""
    dialect = session.get_bind().dialect.name
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


def _dumps(value: Any) -> str:
    """Write JSON as every database accepts it: no NaN, no infinities."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


class Database:
    """Connections to one database. Thread-safe; a process makes one and keeps it. `of` gives views of one tenant."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.tenant: str | None = None
        """Whose view this is; None sees everything."""
        self._writer = self.engine.execution_options(write=True)
        self.act: Act | None = None
        """What its transactions leave in the audit trail; None leaves nothing."""

    def of(self, tenant: str, *, act: Act | None = None) -> Self:
        """Return a view of the same connections that sees, and writes, the rows of one tenant (see `app.tenancy`).

        With `act`, each transaction that changes something leaves an event in the audit trail; a view of a view keeps
        the act unless it gets another.
        """
        view = copy(self)
        view.tenant, view.act = tenant, act or self.act
        return view

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads; nothing is committed, and loaded rows stay usable afterwards."""
        with self._session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open one write transaction: committed when the block ends, rolled back when it raises."""
        with self._session(self._writer) as session, session.begin():
            yield session

    def _session(self, engine: Engine) -> Session:
        if self.tenant is None:
            return Session(engine, expire_on_commit=False)
        from app.tenancy import TenantSession  # knows the tables, which know this module

        return TenantSession(engine, tenant=self.tenant, act=self.act, expire_on_commit=False)

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`. Safe to call from several processes at once."""
        from alembic import command  # with all its dialects as long to import as SQLAlchemy, and needed only here

        command.upgrade(self.alembic(), revision)

    def alembic(self) -> Config:
        """Return Alembic's configuration for this database, wherever the package is installed."""
        from alembic.config import Config

        import migrations

        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
        config.attributes["engine"] = self._writer
        return config

    def empty_log(self) -> None:
        """Move SQLite's write-ahead log into the database, so that erased texts stand nowhere; Postgres vacuums itself.

        Does nothing while somebody reads or writes: the next call will.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with closing(self.engine.raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    """Make the engine: SQLite's file with its pragmas and transaction recipe, or Postgres with its limits."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, json_serializer=_dumps, hide_parameters=True, **arguments(parsed))
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        json_serializer=_dumps,
        hide_parameters=True,  # they are texts and keys, and errors print them
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a new SQLite connection."""
    connection.isolation_level = None  # the driver must not open transactions of its own; `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # erased texts are gone from the file, not only from the tables
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer at once when the session will write."""
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
