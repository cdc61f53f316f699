"""A service as a user starts it, in a process of its own: its start, its memory and its metrics."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LOOK_S = 0.01
TIMEOUT_S = 120.0


class Service:
    """`ltp serve` on a new data directory. `port_s` and `ready_s` tell how long it took to answer and to predict."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.port, self._log = _free_port(), directory / "service.log"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [Path(sys.executable).with_name("ltp"), "serve", "--data-dir", directory / "data"]
        with self._log.open("wb") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(
                [*map(str, command), "--port", str(self.port)],
                env=environment | dict(settings),
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self._wait_for("/healthz")
        self.port_s = time.monotonic() - began
        self._wait_for("/readyz")
        self.ready_s = time.monotonic() - began

    def stop(self) -> None:
        """Ask it to leave, and wait until it has."""
        self.process.terminate()
        self.process.wait()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> str:
        """The body of an answer, which has to be 200."""
        status, body = self._ask(path)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {body}")
        return body

    def figures(self) -> dict[str, float]:
        """What `/metrics` says."""
        lines = (line.rpartition(" ") for line in self.get("/metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def rss_mb(self) -> float:
        """Resident memory of the process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", text)
        return int(kilobytes) / 1000

    @contextmanager
    def watched(self, *, every_s: float = 0.1) -> Iterator[list[float]]:
        """Its memory in MB, ten times a second unless told, while the block runs."""
        seen, over = [self.rss_mb()], threading.Event()

        def look() -> None:
            while not over.wait(every_s):
                seen.append(self.rss_mb())

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def _wait_for(self, path: str) -> None:
        last = time.monotonic() + TIMEOUT_S
        while self._ask(path)[0] != 200:
            if self.process.poll() is not None or time.monotonic() > last:
                self.process.kill()
                raise RuntimeError(f"the service did not start: {self._log.read_text()[-2000:]}")
            time.sleep(LOOK_S)

    def _ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, "no answer"
        finally:
            connection.close()


@contextmanager
def serving(**settings: str) -> Iterator[Service]:
    """A ready service, and its end."""
    with tempfile.TemporaryDirectory(prefix="ltp-bench-") as folder:
        service = Service(Path(folder), settings)
        try:
            yield service
        finally:
            service.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
