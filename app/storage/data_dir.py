"""The lock on a data directory: one service at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from app.errors import DataDirInUse

LOCK_NAME = "ltp.lock"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the data directory. The lock is the kernel's: it is free again however its holder ends."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataDirInUse(directory.absolute()) from error
    try:
        yield
    finally:
        lock.release()
