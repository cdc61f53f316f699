"""A proxy that shows a service under a path, as small as one can be: one request in, one request out.

With `strips` it takes the path off, as most do by one setting or another; without it passes it on. It says what a proxy
says: whose the request is, and under which path the service lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


@contextmanager
def path_proxy(service: str, prefix: str, *, strips: bool, tells: bool = True) -> Iterator[str]:
    """Run the proxy before the service at that address; gives the address with the prefix."""
    client = httpx.Client(base_url=service, timeout=60, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            path = self.path
            if not path.startswith(prefix + "/"):
                self.send_error(404, "not under the prefix")
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
            headers["X-Forwarded-For"] = self.client_address[0]
            if tells:
                headers["X-Forwarded-Prefix"] = prefix
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            target = path.removeprefix(prefix) if strips else path
            with client.stream(self.command, target, headers=headers, content=body) as answer:
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in OF_THE_CONNECTION - {"content-length"}:
                        self.send_header(name, value)
                self.end_headers()
                for chunk in answer.iter_raw():
                    self.wfile.write(chunk)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = pass_on  # noqa: N815  the library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        client.close()
