"""Programs out of Debian's packages, unpacked into `build/`, which takes no rights.

`python tests/support/unpacked_package.py pgbouncer haproxy` fetches them ahead of the tests; so this file imports
nothing of the suite.
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

BUILD = Path(__file__).parents[2] / "build"
LIBRARIES = re.compile(r"^  (?:Depends: |  )?(lib(?!c6\b)[a-z0-9.+-]+)$", re.MULTILINE)


class ProgramMissing(Exception):
    """Neither the machine nor Debian's archive has it."""


def fetch(package: str) -> Path:
    """Unpack Debian's package and the libraries it names into a folder, unless they are there; return that folder."""
    kept = BUILD / package
    if not (kept / "usr/sbin" / package).exists():
        if shutil.which("apt-get") is None:
            raise ProgramMissing(f"there is no {package} on the PATH, and no apt-get that could bring it; install it")
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            _unpack(package, Path(folder))
            with suppress(OSError):  # another process was first
                (Path(folder) / "root").rename(kept)
    return kept


def _unpack(package: str, folder: Path) -> None:
    """Download with package lists of our own where the machine has none: only root may renew those."""
    known = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode == 0
    options = [] if known else ["-o", f"Dir::State={folder}", "-o", f"Dir::Cache={folder}"]
    if not known:
        (folder / "lists" / "partial").mkdir(parents=True)
        _run(folder, "apt-get", *options, "update")
    wanted, asked = {package}, set[str]()
    while new := wanted - asked:  # a library may need another one
        asked |= new
        wanted |= set(LIBRARIES.findall(_run(folder, "apt-cache", *options, "depends", *sorted(new))))
    _run(folder, "apt-get", *options, "download", *sorted(wanted))
    for file in folder.glob("*.deb"):
        _run(folder, "dpkg", "-x", file.name, "root")


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProgramMissing(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def program(package: str) -> tuple[str, dict[str, str]]:
    """Return the program of a package, and what the environment must hold for it."""
    found = shutil.which(package, path=f"{os.environ['PATH']}:/usr/sbin")
    if found:
        return found, {}
    root = fetch(package)
    libraries = ":".join(str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return str(root / "usr/sbin" / package), {"LD_LIBRARY_PATH": libraries}


if __name__ == "__main__":
    try:
        for name in sys.argv[1:]:
            program(name)
    except ProgramMissing as error:  # the tests that need it say so, too
        sys.exit(str(error))
