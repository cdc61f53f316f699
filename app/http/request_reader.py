"""What a client sends, byte by byte: uvicorn's HTTP protocol, in which every byte is counted by somebody.

Body data is counted where it is read (`app.api.request_body`). Whatever else comes (request lines, headers, empty
lines, chunk sizes and what hangs on them, trailers) is bounded here, and of trailers nothing is kept. No client is
switched to another protocol, whatever it offers; and one that speaks HTTP/1.0 is answered without chunks.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 64 * 1024
"""Bytes of a request line and its headers; of trailers; and of all that is no body between two pieces of a body."""
MAX_HEADERS = 128
"""Headers of one request. Each costs more memory than its bytes, so that they are counted, too."""
PIECE = 16 * 1024
"""Bytes handed to the parser at a time: what it makes of them is looked at after each, so bounds hold to so many."""
FRAMING = 8
"""Bytes of chunk sizes that one byte of a body may cost on the whole; a chunk of one byte has five."""


class RequestReader(HttpToolsProtocol):
    """The reading half of a connection. Callbacks of the parser start with `on_`."""

    _in_body = False  # between a head's last byte and its request's
    _moved = False  # whether the piece at hand brought body data, or ended a head or a request
    _loose = 0  # bytes since then that are no body
    _body = _framing = 0  # bytes of the present body, and of what it came wrapped in
    _too_many_headers = False
    _unwanted = 0  # bytes of a body that came after its answer had begun
    _may_ignore = MAX_HEAD  # how many may, once it is complete

    def data_received(self, data: bytes) -> None:
        """Read on, a piece at a time."""
        self._unset_keepalive_if_required()
        whole = memoryview(data)
        for start in range(0, len(whole), PIECE):
            if self.transport.is_closing():
                return
            self._count(whole[start : start + PIECE])

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. What comes after the body is none: it could say anything, after all was decided."""
        if self._in_body:
            return
        if len(self.headers) < MAX_HEADERS:
            super().on_header(name, value)
        else:
            self._too_many_headers = True

    def on_headers_complete(self) -> None:
        """The head is there; the application takes over."""
        if self._too_many_headers:
            return
        super().on_headers_complete()
        self._moved = self._in_body = True
        self._body = self._framing = self._unwanted = 0

    def on_body(self, body: bytes) -> None:
        """Take body data, which has its reader, unless the answer has begun: then only so much is let pass."""
        if not self._in_body:
            return  # of a request sent ahead that `_stay_with_http` does not read
        self._moved = True
        self._body += len(body)
        if self.cycle.response_started:
            self._unwanted += len(body)
            if self._unwanted > (self._may_ignore if self.cycle.response_complete else MAX_HEAD):
                self.transport.abort()
                return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request has come, unless the parser stops before a body, for another protocol's sake."""
        if not self._in_body:
            return
        self._moved = True
        if not (self.parser.should_upgrade() and self._declares_body()):
            super().on_message_complete()
            self._in_body = False
            self.request_complete()

    def request_complete(self) -> None:
        """Note that nothing of the request is outstanding."""

    def refuse_excess(self, reason: str) -> None:  # noqa: ARG002  for those who have a word for it
        """Turn the client away: something is too much, as `reason` says."""
        self.transport.abort()

    def _count(self, piece: memoryview) -> None:
        body, in_body = self._body, self._in_body
        self._moved = False
        self._parse(piece)
        if not self._moved:
            self._loose += len(piece)
        else:
            self._loose = len(piece) - max(0, self._body - body)
        if in_body and self._in_body:
            self._framing += len(piece) - max(0, self._body - body)
        over = f"over the limit of {MAX_HEAD:,} bytes"
        if self._too_many_headers:
            self.refuse_excess(f"at most {MAX_HEADERS} headers are read here")
        elif self._loose > MAX_HEAD:
            what = "what came after the body is" if self._in_body else "request line and headers are"
            self.refuse_excess(f"{what} {over}")
        elif self._framing > MAX_HEAD + FRAMING * self._body:
            self.refuse_excess(f"the chunks' sizes and extensions are {over}")

    def _parse(self, piece: memoryview) -> None:
        try:
            self.parser.feed_data(piece)
        except HttpParserUpgrade as offered:
            self._stay_with_http()
            self._parse(piece[offered.args[0] :])
        except HttpParserError:
            self.send_400_response("")

    def _stay_with_http(self) -> None:
        """Go on after a request that offered another protocol. The parser takes its body for words of that one.

        A parser that knows how the body is framed, and nothing else, reads it; the connection ends with the answer.
        """
        if not self._declares_body():
            return
        self.cycle.keep_alive = False
        reader = SimpleNamespace(on_body=self.on_body, on_message_complete=self.on_message_complete)
        self.parser = HttpRequestParser(reader)
        framing = [
            name + b": " + value for name, value in self.headers if name in (b"content-length", b"transfer-encoding")
        ]
        self.parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *framing, b"", b""]))

    def _declares_body(self) -> bool:
        sizes = [value for name, value in self.headers if name == b"content-length" and value.strip(b"0 \t")]
        return bool(sizes) or any(name == b"transfer-encoding" for name, _ in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["http_version"] == "1.0":
            app = Unframed(cycle, app)
        super()._start_asgi_task(cycle, app)


class Unframed:
    """`app` for a client that knows no chunks: an answer of unknown length ends with the connection."""

    def __init__(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        self._cycle, self._app = cycle, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        framed = False

        async def unframed(message: Message) -> None:
            nonlocal framed
            if message["type"] == "http.response.start":
                framed = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
                self._cycle.chunked_encoding = None if framed else False
            elif not framed:
                self._cycle.expected_content_length = len(message.get("body", b""))  # whatever comes is what was meant
            await send(message)

        await self._app(scope, receive, unframed)
