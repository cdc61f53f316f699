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
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.storage.audit import AuditContext
from app.storage.damage import DamageSeen
from app.storage.object_store import ObjectStore
from app.storage.postgres import postgres_engine
from app.storage.sqlite import BUSY_TIMEOUT_S, DatabaseFile, sqlite_engine
from app.storage.tenancy import TenantSession

if TYPE_CHECKING:
    from alembic.config import Config

    from app.settings import Settings


def _dumps(value: Any) -> str:
    """Write JSON as every database accepts it: no NaN, no infinities."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


class Database:
    """Connections to one database. Thread-safe; a process makes one and keeps it. `of` gives views of one tenant."""

    def __init__(self, url: str, *, objects: ObjectStore | None = None) -> None:
        self.url = url
        self.objects = objects
        """Where contents go that are not to lie in the database itself."""
        self.engine, self._file = _engine(url)
        self.damage = DamageSeen()
        event.listen(self.engine, "handle_error", self.damage.note)
        self.tenant: str | None = None
        """The tenant of this view; None sees everything."""
        self._writer = self.engine.execution_options(write=True)
        self.act: AuditContext | None = None
        """What its transactions leave in the audit trail; None leaves nothing."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Make the one that the settings name, with the store of its contents. Raises `BlobStoreNotInstalled`."""
        return cls(settings.database, objects=ObjectStore(settings.blob_url) if settings.blob_url else None)

    def of(self, tenant: str, *, act: AuditContext | None = None) -> Self:
        """Return a view of the same connections that sees and writes the rows of one tenant (see `tenancy`).

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

    def check_file(self) -> None:
        """Raise SQLAlchemy's `OperationalError` when a database in a file is not in the one it was opened in."""
        if self._file is not None:
            self._file.check()

    def _session(self, engine: Engine) -> Session:
        self.check_file()
        if self.tenant is None:
            return Session(engine, expire_on_commit=False)
        return TenantSession(engine, tenant=self.tenant, act=self.act, expire_on_commit=False)

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`. Safe to call from several processes at once."""
        from alembic import command  # with all its dialects as long to import as SQLAlchemy, and needed only here

        command.upgrade(self.alembic(), revision)

    def alembic(self) -> Config:
        """Return Alembic's configuration for this database, wherever the package is; SQLite's file is made."""
        from alembic.config import Config

        if self._file is not None:
            self._file.create()
        config = Config()
        config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
        config.attributes["engine"] = self._writer
        return config

    def empty_log(self) -> None:
        """Move SQLite's write-ahead log into the database, so that erased texts stand nowhere; Postgres vacuums itself.

        Does nothing while another connection reads or writes: the next call will.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with closing(self.engine.raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")

    def renew(self) -> None:
        """Open every connection anew that is not in use, and the others when they come back."""
        self.engine.dispose()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _engine(url: str) -> tuple[Engine, DatabaseFile | None]:
    """Make the engine, and tell its file where it has one."""
    options: dict[str, Any] = {"json_serializer": _dumps, "hide_parameters": True}  # errors print texts and keys
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return postgres_engine(parsed, **options), None
    return sqlite_engine(parsed, **options)
