"""The lock on a data directory and on its database: one service at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url

from app.settings import Settings
from app.storage.errors import DataDirInUse

LOCK_NAME = "ltp.lock"
ENDING = ".lock"
"""Follows the name of a SQLite file that is not in the data directory."""


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the data directory, and a SQLite file elsewhere, which another data directory might use as well.

    The locks are the kernel's: they are free again however their holder ends.
    """
    directory = settings.data_dir.absolute()
    places = {directory: directory / LOCK_NAME}
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and url.database and Path(url.database).absolute().parent != directory:
        file = Path(url.database).absolute()
        places[file] = file.with_name(file.name + ENDING)
    with ExitStack() as held:
        for place, lock in places.items():
            held.enter_context(_held(place, lock))
        yield


@contextmanager
def _held(place: Path, file: Path) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataDirInUse(place) from error
    try:
        yield
    finally:
        lock.release()
