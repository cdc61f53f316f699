"""Files that hold texts are for the service's own user alone: folders 0700, files 0600, whatever the umask says.

A process that has called `keep_private` makes its files so, and what is there from before, made by an older version or
copied by hand, it has put right.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
UMASK = 0o077


def keep_private(*folders: Path) -> None:
    """Let no other user of the machine read what this process, and those it starts, will write, and these folders."""
    os.umask(UMASK)
    for folder in folders:
        if folder.is_dir():
            tighten_tree(folder)


def private_folder(path: Path) -> Path:
    """Make a folder unless it is there, with those above it, and let nobody else in; return it."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    tighten(path)
    return path


def tighten_tree(path: Path) -> None:
    """Let nobody else read a file, or a folder and all that is in it; links are not followed."""
    for entry in _walk(path):
        tighten(entry)


def tighten(path: Path) -> None:
    """Take the rights of group and others from one path, where that is ours to do. A folder for all, as /tmp, stays."""
    with suppress(OSError):  # somebody else's, or gone
        mode = path.lstat().st_mode
        shared = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
        if mode & OTHERS and not stat.S_ISLNK(mode) and not shared:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def _walk(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, names, files in os.walk(path):
            yield from (Path(folder) / name for name in (*names, *files))
