"""A real PgBouncer in front of a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from support.servers import Postgres, free_port
from support.unpacked_package import ProgramMissing, program


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
    try:
        path, environment = program("pgbouncer")
    except ProgramMissing as error:  # no Debian, or no network
        pytest.skip(str(error))
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
