"""A service of the demo's own: on a free loopback port, with its own data directory, stopped when the demo ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.cli.client import Client

START_S = 120.0
STOP_S = 30.0


class ServiceDidNotStart(RuntimeError):
    """`ltp serve` ended, or was not ready in time; the message carries the end of its log."""


@contextmanager
def running(ltp: Path, data: Path, log: Path) -> Iterator[str]:
    """Start `ltp serve`, yield its address once it can predict, and stop it. Raises ServiceDidNotStart."""
    port = _free_port()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(ltp), "serve", "--data-dir", str(data), "--port", str(port)],
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the service in good order
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, log)
        yield url
    finally:
        _stop(process)


def cancel_jobs(client: Client) -> None:
    """Cancel what is queued or running, so that the next start does not go on with it."""
    for status in ("running", "queued"):
        for job in client.items("/jobs", status=status):
            client.post(f"/jobs/{job['id']}/cancel")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    with httpx.Client(base_url=url, trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass  # it does not listen yet
            time.sleep(0.2)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    raise ServiceDidNotStart(f"ltp serve did not get ready; the end of {log}:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        sys.stderr.write("the service did not stop when asked, and was killed\n")
