"""A real PgBouncer: the machine's, or Debian's package unpacked into `build/`, which takes no rights.

`python tests/support/pgbouncer.py` fetches it ahead of the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from support.servers import Postgres, free_port

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


@contextmanager
def running_pgbouncer(postgres: Postgres, *, mode: str = "transaction", **settings: str) -> Iterator[int]:
    """One in front of the server, with few connections of its own, so that clients share them; yields its port."""
    port = free_port()
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": mode,
        "default_pool_size": "3",
        "max_client_conn": "200",
        **settings,
    }
    text = f"[databases]\n* = host={postgres.socket.parent} user=postgres\n[pgbouncer]\n"
    path, environment = program()
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
        file.write(text + "".join(f"{name} = {value}\n" for name, value in lines.items()))
        file.flush()
        Path(file.name).chmod(0o644)
        as_user = ["-u", postgres.user] if postgres.user else []  # it refuses root
        process = subprocess.Popen([path, "-q", *as_user, file.name], env=os.environ | environment)
        try:
            _wait(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres connect_timeout=5").close()
            return
        time.sleep(0.05)
    raise AssertionError("PgBouncer did not start")


if __name__ == "__main__":
    program()
