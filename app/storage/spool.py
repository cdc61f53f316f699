"""The spool: files on their way in or out, each request's in a folder of its own, bounded for one tenant and for all.

A folder is held by the kernel's lock on it, which ends with the process that took it, however that ends. What nobody
holds is removed: when an API starts, and by every sweep. Where the file
system knows no such locks, and for folders of versions that took none, a day without a change counts as not held.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from app.errors import BodyTooLarge, SpoolFull, TooManyUploads
from app.storage.private import private_folder

log = structlog.get_logger(__name__)

PREFIX = "spool-"
WITHOUT_LOCK = ("ltp-upload-", "ltp-export-")
"""How folders of versions that took no lock are called."""
FORGOTTEN_S = 86_400
"""What no lock can tell about is taken for nobody's when nothing in it has changed for so long."""
RETRY_AFTER_S = 10


class Spool:
    """The spool of one process, in a folder that others may share. `most` bytes in all, half of that for one tenant.

    Safe to use from any thread.
    """

    def __init__(self, directory: Path, *, most: int) -> None:
        self.directory, self.most = directory, most
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def share(self) -> int:
        """The most bytes of one tenant."""
        return self.most // 2

    def held(self, tenant: str) -> int:
        """Return how many bytes of a tenant are on this process's spool."""
        return self._held[tenant]

    def folder(self, tenant: str) -> SpoolFolder:
        """Make a folder for one request; to be closed, best as a context manager."""
        return SpoolFolder(self, tenant)

    def check(self, tenant: str, size: int) -> None:
        """Refuse what would not fit.

        Raises:
            BodyTooLarge: it is more than a tenant may ever have here.
            TooManyUploads: with what the tenant has here already it is too much.
            SpoolFull: with what everybody has here it is too much.
        """
        if size > self.share:
            raise BodyTooLarge(f"{size:,} bytes are more than the {self.share:,} that MAX_SPOOL_MB leaves one tenant")
        with self._lock:
            own, everybody = self._held[tenant], self._held.total()
        if own + size > self.share:
            what = f"files of yours with {own:,} bytes are on their way in or out, of {self.share:,} at most"
            raise TooManyUploads(f"{what}; wait for one to end", retry_after=RETRY_AFTER_S)
        if everybody + size > self.most:
            what = f"files with {everybody:,} bytes are on their way in or out, of {self.most:,} at most (MAX_SPOOL_MB)"
            raise SpoolFull(f"{what}; try again in a moment", retry_after=RETRY_AFTER_S)

    def change(self, tenant: str, size: int) -> None:
        """Count bytes that were written, or, below zero, removed."""
        with self._lock:
            self._held[tenant] += size
            if not self._held[tenant]:
                del self._held[tenant]


class SpoolFolder:
    """The files of one request. `path` is theirs alone until `close`."""

    def __init__(self, spool: Spool, tenant: str) -> None:
        self._spool, self._tenant, self.size = spool, tenant, 0
        self.path, self._handle = _locked_folder(spool.directory)

    @property
    def beside(self) -> int:
        """Bytes that other requests of the tenant have here."""
        return self._spool.held(self._tenant) - self.size

    def check(self, size: int) -> None:
        """Raise as `Spool.check` does."""
        self._spool.check(self._tenant, size)

    def take(self, size: int) -> None:
        """Count bytes that are about to be written. Raises as `Spool.check` does."""
        self._spool.check(self._tenant, size)
        self._spool.change(self._tenant, size)
        self.size += size

    def close(self) -> None:
        """Remove the files; what cannot be removed is left to a sweep."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)
        self._spool.change(self._tenant, -self.size)
        self.size = 0

    def __enter__(self) -> SpoolFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_stale(directory: Path) -> int:
    """Remove what no live process holds, of any process that had its spool here; return how many folders."""
    removed = 0
    for folder in directory.iterdir() if directory.is_dir() else ():
        if folder.name.startswith((PREFIX, *WITHOUT_LOCK)) and folder.is_dir() and not folder.is_symlink():
            with _unheld(folder) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
    if removed:
        log.warning("removed uploads and exports of processes that are gone", folders=removed)
    return removed


def _locked_folder(directory: Path) -> tuple[Path, int]:
    """Make a folder and take the lock on it; another one when a sweep was faster."""
    private_folder(directory)
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        with suppress(FileNotFoundError):  # a sweep has removed it already
            handle = os.open(path, os.O_RDONLY)
            if _lock_shared(handle) and path.is_dir():
                return path, handle
            os.close(handle)


def _lock_shared(handle: int) -> bool:
    """Lock a folder; tell whether that could be done, or cannot be on this file system. False: a sweep removes it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _unheld(folder: Path) -> Iterator[bool]:
    """Tell whether nobody holds a folder, and hold it while the block runs."""
    if folder.name.startswith(WITHOUT_LOCK):
        yield newest_change(folder) < time.time() - FORGOTTEN_S
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # another sweep removed it
        yield False
        return
    try:
        yield _lock_or_age(folder, handle)
    finally:
        os.close(handle)


def _lock_or_age(folder: Path, handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that cannot lock folders
        return newest_change(folder) < time.time() - FORGOTTEN_S
    return True


def newest_change(folder: Path) -> float:
    """Return when the folder, or anything in it, was changed last, in seconds since the epoch."""
    newest = 0.0
    for path in (folder, *folder.rglob("*")):
        with suppress(OSError):
            newest = max(newest, path.lstat().st_mtime)
    return newest
