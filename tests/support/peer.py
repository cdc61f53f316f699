"""A small real server that misbehaves on cue, for what speaks to a service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

Respond = Callable[[BaseHTTPRequestHandler, int], None]
"""Called with the handler and the number of the request, from 0."""


class Request(BaseHTTPRequestHandler):
    """Reads the body first, which `body` then has."""

    body: bytes = b""
    respond: ClassVar[Respond]
    numbers: ClassVar[Iterator[int]]

    def handle_one(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).respond(self, next(self.numbers))

    do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815  the library's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def peers() -> Iterator[Callable[[Respond], str]]:
    """Starts servers, each of which answers as its function does; returns the address of each."""
    servers = []

    def start(respond: Respond) -> str:
        told = {"respond": staticmethod(respond), "numbers": iter(range(10_000))}
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Request,), told))
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: object, **headers: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def stream(*events: tuple[int, str, dict[str, object]]) -> bytes:
    """Server-sent events: id, kind and data."""
    return b"".join(
        f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode() for number, kind, data in events
    )
