"""How the service uses SQLite: its pragmas, its transactions, and that it goes on with the file it began with.

SQLite itself makes a file where there is none, and goes on writing to one that was deleted: what is accepted then is
lost with the process. So the file is made by `create` alone, for its user alone, and every session first looks whether
it is still the one at its place.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError

from app.errors import DatabaseUnavailable
from app.storage.private import private_folder, tighten

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer waits for another one. Every write transaction here is short."""
LOGS = ("-wal", "-shm")
"""What SQLite keeps next to a database; it belongs to that file and to no other."""


class DatabaseGone(DatabaseUnavailable):
    """The database's file is not there, or another one is."""


class DatabaseFile:
    """The file of one engine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[int, int] | None = None
        """Device and number of the file that this process has open."""

    def create(self) -> None:
        """Make an empty file unless there is one, and let nobody else read it."""
        if not self.path.parent.is_dir():
            private_folder(self.path.parent)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self.tighten()

    def tighten(self) -> None:
        """Let nobody else read the database and its logs."""
        for ending in ("", *LOGS):
            tighten(Path(f"{self.path}{ending}"))

    def check(self) -> None:
        """Raise `OperationalError`, with a sentence of ours in it, unless the file is there and the same as ever."""
        found = self._found()
        if self._known is None and found is None:
            raise _gone(f"there is no database at {self.path}; `ltp migrate` makes one")
        if self._known is not None and found != self._known:
            what = "was deleted" if found is None else "was replaced"
            raise _gone(
                f"the database {self.path} {what} while it was open; stop the service, put the file back, with "
                "`ltp restore` say, and start it again"
            )

    def note(self) -> None:
        """Note which file a connection has just opened, the first time."""
        if self._known is None:
            self._known = self._found()

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


def sqlite_engine(url: URL, **options: Any) -> tuple[Engine, DatabaseFile | None]:
    """Make the engine, and its file unless the database is in memory."""
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        **options,
    )
    file = DatabaseFile(Path(url.database)) if url.database and url.database != ":memory:" else None

    def look(*_: object) -> None:
        if file is not None:
            file.check()

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        if file is not None:
            file.note()
            file.tighten()
        _prepare(connection)

    event.listen(engine, "do_connect", look)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine, file


def _gone(sentence: str) -> OperationalError:
    return OperationalError(None, None, DatabaseGone(sentence))


def _prepare(connection: sqlite3.Connection) -> None:
    """Set up a new connection."""
    connection.isolation_level = None  # the driver must not open transactions of its own; `_begin` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # erased texts are gone from the file, not only from the tables
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin as a writer at once when the session will write."""
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
