"""Debian's package of PgBouncer, unpacked into `build/`, which takes no rights.

`python tests/support/pgbouncer_package.py` fetches it ahead of the tests; so this file imports nothing of the suite.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

PACKAGE = "pgbouncer"
KEPT = Path(__file__).parents[2] / "build" / PACKAGE
LIBRARIES = re.compile(r"^  (?:Depends: |  )?(lib(?!c6\b)[a-z0-9.+-]+)$", re.MULTILINE)


class PgBouncerMissing(Exception):
    """Neither the machine nor Debian's archive has one."""


def fetch() -> Path:
    """Unpack Debian's package and the libraries it names into `KEPT`, unless they are there; return that folder."""
    if not (KEPT / "usr/sbin" / PACKAGE).exists():
        if shutil.which("apt-get") is None:
            raise PgBouncerMissing("there is no pgbouncer on the PATH, and no apt-get that could bring it; install it")
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
            _unpack(Path(folder))
            with suppress(OSError):  # another process was first
                (Path(folder) / "root").rename(KEPT)
    return KEPT


def _unpack(folder: Path) -> None:
    """Download with package lists of our own where the machine has none: only root may renew those."""
    known = subprocess.run(["apt-cache", "show", PACKAGE], capture_output=True, check=False).returncode == 0
    options = [] if known else ["-o", f"Dir::State={folder}", "-o", f"Dir::Cache={folder}"]
    if not known:
        (folder / "lists" / "partial").mkdir(parents=True)
        _run(folder, "apt-get", *options, "update")
    depends = _run(folder, "apt-cache", *options, "depends", PACKAGE)
    _run(folder, "apt-get", *options, "download", PACKAGE, *sorted(set(LIBRARIES.findall(depends))))
    for package in folder.glob("*.deb"):
        _run(folder, "dpkg", "-x", package.name, "root")


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PgBouncerMissing(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def program() -> tuple[str, dict[str, str]]:
    """Return the program, and what the environment must hold for it."""
    found = shutil.which(PACKAGE, path=f"{os.environ['PATH']}:/usr/sbin")
    if found:
        return found, {}
    root = fetch()
    libraries = ":".join(str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return str(root / "usr/sbin" / PACKAGE), {"LD_LIBRARY_PATH": libraries}


if __name__ == "__main__":
    try:
        program()
    except PgBouncerMissing as error:  # the tests that need it say so, too, and are left out
        sys.exit(str(error))
