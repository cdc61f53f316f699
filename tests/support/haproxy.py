"""A real HAProxy with the configuration that deploy/proxy holds, before small servers that say which one they are."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from support.servers import free_port
from support.service_processes import wait_for
from support.unpacked_package import program

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "proxy" / "haproxy.cfg"


class Replica(ThreadingHTTPServer):
    """Answers every request with its own number."""

    def __init__(self, number: int, port: int = 0) -> None:
        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = str(number).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", port), Answer)
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


def command(ports: Sequence[int], *, port: int, check: bool = False) -> tuple[list[str], dict[str, str]]:
    """The command and its environment. Raises `ProgramMissing`."""
    path, needed = program("haproxy")
    replicas = {f"LTP_REPLICA_{number}": f"127.0.0.1:{each}" for number, each in enumerate(ports, 1)}
    environment = {**os.environ, **needed, **replicas, "LTP_PROXY_BIND": f"127.0.0.1:{port}"}
    return [path, *(["-c"] if check else []), "-f", str(CONFIGURATION)], environment


@contextmanager
def running_haproxy(ports: Sequence[int]) -> Iterator[httpx.Client]:
    """One before the replicas at `ports`; yields a client of it."""
    port = free_port()
    arguments, environment = command(ports, port=port)
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            wait_for(lambda: _answers(http), message="HAProxy did not start")
            yield http
    finally:
        process.terminate()
        process.wait()


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/").status_code == 200
    except httpx.HTTPError:
        return False
