"""A server that takes webhooks: it keeps what it got, and answers what it was told to."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TRICKLE_S = 0.1


@dataclass(frozen=True)
class Got:
    """One request. Names of headers are in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and the statuses that the next requests are answered with; after those 200. An answer begins after
    `pause_s`, and has `header` and, one each `TRICKLE_S`, `trickles` headers more.
    """

    url: str
    origin: str
    answers: list[int] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    pause_s: float = 0.0
    header: str = ""
    trickles: int = 0


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """A receiver on this machine; over TLS if it is given a file with a key and its certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            with suppress(ConnectionError):  # of a client that has heard enough
                self.answer()

        def answer(self) -> None:
            time.sleep(receiver.pause_s)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("X-Much", receiver.header)
            for number in range(receiver.trickles):
                self.send_header(f"X-{number}", "")
                self.flush_headers()
                time.sleep(TRICKLE_S)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        origin = f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
        receiver = Receiver(f"{origin}/ltp?from=here", origin)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
