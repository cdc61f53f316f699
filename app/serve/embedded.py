"""`ltp serve`: the whole service on one machine, in one data directory, for one person.

This process runs the API; a supervised child runs the jobs and dies with it. A lock on the data directory keeps a
second service out, and tells the runner that whatever was running before it is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from app.serve.server import serve_api
from app.settings import Settings
from app.storage.data_dir import locked
from app.storage.database import Database
from app.storage.private import keep_private
from app.telemetry import log_setup

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0
HEALTHY_S = 10.0
"""A runner that lived so long is restarted without delay when it ends."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `DataDirInUse` when another service runs on the data directory."""
    log_setup.configure(settings)
    keep_private(settings.data_dir)
    log.info("everything is kept in one folder, LTP_DATA_DIR or --data-dir", folder=str(settings.data_dir.absolute()))
    with locked(settings):
        db = Database(settings.database)
        db.migrate()
        db.close()
        with supervised_runner(settings) as supervisor:
            serve_api(settings, wake_runner=supervisor.wake_runner)


@contextmanager
def supervised_runner(settings: Settings) -> Iterator[Supervisor]:
    """Keep `python -m worker` running as a child of this process, restarted with a growing pause when it ends."""
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


class Supervisor:
    """A thread that starts the runner again whenever it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the runner."""
        self._thread.start()

    def wake_runner(self) -> None:
        """Have the runner look for work now. Never waits; a byte that is lost costs one poll's time."""
        with self._lock, suppress(OSError):  # it has just ended, or the pipe is full of bytes it has not read
            if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
                os.write(self._process.stdin.fileno(), b"\n")

    def stop(self) -> None:
        """Ask the runner to hand its job back and leave; end it if it takes too long."""
        self._stopping.set()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
        self._thread.join(timeout=self._settings.grace_s)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._thread.join()

    def _run(self) -> None:
        pause = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            began = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = self._start_runner()
            code = self._process.wait()
            with self._lock:
                if self._process.stdin is not None:
                    self._process.stdin.close()
            pause = FIRST_BACKOFF_S if time.monotonic() - began > HEALTHY_S else pause
            if not self._stopping.is_set():
                log.warning("the runner ended and is started again", code=code, pause_s=pause)
                self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_BACKOFF_S)

    def _start_runner(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker", "--supervised", str(os.getpid())],  # -P: nothing of this folder
            stdin=subprocess.PIPE,  # its end tells the runner that this process is gone, and its bytes wake it
            start_new_session=True,  # Ctrl-C is for this process, which then asks the runner to leave
            env=self._settings.environment(),
        )
        os.set_blocking(process.stdin.fileno(), False)  # type: ignore[union-attr]
        return process
