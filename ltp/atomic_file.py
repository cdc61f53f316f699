"""Files and folders that appear whole or not at all, whatever ends the process that writes them.

What is new is written under a name of its own in the same folder, synced, and renamed; then the folder is synced. A
writer that fails leaves the former file as it was, and nothing else. One that is killed leaves a file ending in `PART`,
which `remove_leftovers` deletes; a folder that replaces another one is for a moment not there at all.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART = ".part"
_NOT_SYNCABLE = {errno.EACCES, errno.EBADF, errno.EINVAL}
"""What opening or syncing a folder answers on file systems that cannot do it; Postgres passes over the same ones."""


@contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give the block a name to make a file at, which becomes `path` when the block ends.

    Without `durable` nothing is synced: for copies of what is kept elsewhere, which a power cut may take.
    """
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    try:
        yield aside
        if durable:
            sync(aside)
        aside.replace(path)
    except BaseException as error:
        with suppress(OSError):  # the writer's error is the one to show
            aside.unlink()
        if isinstance(error, OSError) and error.filename == str(aside):
            error.filename = str(path)  # the name that the caller knows
        raise
    if durable:
        _sync_folder(path.parent)


@contextmanager
def new_content(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that becomes `path` when the block ends; `durable` as in `new_file`."""
    with new_file(path, durable=durable) as aside, aside.open("xb") as file:
        yield file


def check_writable(path: Path) -> None:
    """Raise OSError, naming `path`, if `new_file` could not make it now."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be written", str(path))
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    try:
        aside.touch(exist_ok=False)
    except OSError as error:
        error.filename = str(path)
        raise
    aside.unlink()


def write_text(path: Path, text: str) -> None:
    """Make `text`, as UTF-8, the content of `path`."""
    with new_content(path) as file:
        file.write(text.encode())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give the block an empty folder to fill, which becomes `path` when the block ends; one writer at a time."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.", suffix=PART) as both:
        new = Path(both) / "new"
        new.mkdir()
        yield new
        for entry in new.rglob("*"):
            _sync_folder(entry) if entry.is_dir() else sync(entry)
        _sync_folder(new)
        if path.exists():  # a rename replaces empty folders only
            path.replace(Path(both) / "former")
        new.replace(path)
        _sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Delete what writers of `path` that were killed have left; for a caller that knows that no other is at work."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{PART}"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have the disk hold what is in the file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    """Have the disk hold the names in the folder, where its file system can do that."""
    try:
        sync(path)
    except OSError as error:
        if error.errno not in _NOT_SYNCABLE:
            raise
