"""Backup and restore of the embedded profile: its one SQLite file, copied whole while the service runs.

A deployment's Postgres has its own tools, `pg_dump` and `pg_restore`, which know more.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from app.settings import Settings
from app.storage.data_dir import locked
from app.storage.database import Database
from app.storage.errors import BackupRefused
from app.storage.sqlite import BUSY_TIMEOUT_S, LOGS
from ltp import atomic_file

REPLACED = ".replaced"
"""Ending of the database that a restored one took the place of."""


def back_up(settings: Settings, target: Path) -> int:
    """Write a copy of the database to the new file `target` and return its size in bytes; the service may go on.

    The copy is one state of the database, without what was erased, and is checked before it gets its name.
    Raises `BackupRefused`.
    """
    source = _file(settings, "pg_dump -Fc")
    if not source.is_file():
        raise BackupRefused(f"there is no database at {source}; name its directory with --data-dir")
    if target.exists():
        raise BackupRefused(f"{target} is there already; a backup goes to a new file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file.new_file(target) as aside:
        with closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S)) as connection:
            connection.execute("VACUUM INTO ?", (str(aside),))
        aside.chmod(0o600)
        check(aside)
    return target.stat().st_size


def restore(settings: Settings, source: Path) -> Path | None:
    """Put a backup in the place of the database and bring it to this version's schema; the service must be stopped.

    Returns where the former database is now, if there was one. Raises `BackupRefused`, `DataDirInUse`.
    """
    target = _file(settings, "pg_restore")
    check(source)
    with locked(settings):
        former = target.with_name(target.name + REPLACED)
        if former.exists():
            raise BackupRefused(f"{former} is there already, from an earlier restore; move or delete it first")
        there_was = target.exists()
        atomic_file.remove_leftovers(target)
        with atomic_file.new_file(target) as aside:
            shutil.copyfile(source, aside)
            aside.chmod(0o600)
            atomic_file.sync(aside)  # before the former database gives up its name
            for ending in ("", *LOGS):
                file = Path(f"{target}{ending}")
                if file.exists():
                    file.replace(f"{former}{ending}")
        database = Database(settings.database)
        try:
            database.migrate()
        finally:
            database.close()
    return former if there_was else None


def check(path: Path) -> None:
    """Raise `BackupRefused` unless `path` is a sound database of this service."""
    if not path.is_file():
        raise BackupRefused(f"{path} is no file")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{path} is no SQLite database, or a damaged one: {error}") from error
    if verdict != "ok":
        raise BackupRefused(f"{path} is damaged: {verdict}")
    if not {"alembic_version", "jobs", "blobs"} <= tables:
        raise BackupRefused(f"{path} is a database of something else; it has no table of jobs")


def _file(settings: Settings, instead: str) -> Path:
    """Return the database's file."""
    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupRefused(f"the database is {url.get_backend_name()}, which has tools of its own: use {instead}")
    return Path(url.database)
