"""One client's connection: what is read by `app.http.request_reader`, with an end to those that are held and not used.

A head that does not arrive, a body that no route reads, an answer that the client does not take and a connection over
the limit are all ended here; bodies that are read have their deadline in `app.http.middleware.body_timeout`. While the
server stops, no request on its way in is lost.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from app.errors import AppError, HeadTooLarge, MalformedRequest, NotReady
from app.http.connection_shares import ConnectionShares
from app.http.error_responses import refusal
from app.http.request_reader import MAX_HEAD, RequestReader
from app.http.security_headers import REQUEST_ID, secure
from app.http.transport import GracefulTransport
from app.settings import MIB, Settings
from app.storage.table import new_id

log = structlog.get_logger(__name__)

MAX_PIPELINED = 16
"""Requests a client may send ahead of their answers."""
RECHECK_S = 0.05
"""How soon a connection is looked at again that was to be closed when something arrived."""
KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than proxies keep theirs, lest one is used just as it is closed."""
NEW_S = 2.0
"""A connection nothing has come on yet is not closed before it is so old: its first request is probably on its way."""


class ServerConfig(Config):
    """uvicorn's configuration, with ours for the connections."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self.settings = settings
        self.shares = ConnectionShares(settings)
        super().__init__(
            app,
            host=settings.host,
            port=settings.port,
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # `RequestLog` writes one line a request
            server_header=False,
            proxy_headers=False,  # `app.http.middleware` has a layer for them
            timeout_keep_alive=KEEP_ALIVE_S,
            reset_contextvars=True,  # or the log lines of one request name the one before it on the connection
        )


class Connection(RequestReader):
    """The server side of one connection. Callbacks of the parser start with `on_`."""

    config: ServerConfig
    transport: GracefulTransport

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._settings = config.settings
        self._client_sending = False  # between a request's first byte and its last
        self._over_limit: str | None = None  # why it cannot be used, if so
        self._opened = self.loop.time()
        self._ignored = 0  # bytes that came after our side was closed
        self._may_ignore = MIB * max(  # a client that was refused notices late, and would lose the answer if cut off
            self._settings.max_body_mb, self._settings.max_corpus_mb, self._settings.max_artifact_mb
        )
        self._client_timer: asyncio.TimerHandle | None = None  # for a head, or the rest of an unread body
        self._reader_timer: asyncio.TimerHandle | None = None  # for an answer to be taken
        self._paused_at, self._bytes_then = 0.0, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection, or mark it as one over the limit."""
        super().connection_made(GracefulTransport(transport, sending=lambda: self._client_sending))
        self._over_limit = self._shares.admit(self, self.client[0] if self.client else None)
        if self._shares.overrun(self):
            self.transport.abort()
        else:
            self._wait_for_client(self._settings.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._shares.leave(self)
        self._stop_waiting()
        if self._reader_timer is not None:
            self._reader_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. Bytes that are no body must become a head in time."""
        if self.transport.shut:
            self._ignored += len(data)
            if self._ignored > self._may_ignore:
                self.transport.abort()
            return
        super().data_received(data)
        if not (self._in_body or self.transport.is_closing()) and self._idle and self._client_timer is None:
            self._wait_for_client(self._settings.header_timeout_s)

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._client_sending = True
        self.scope["state"]["over_connection_limit"] = self._over_limit

    def on_headers_complete(self) -> None:
        """The head is there; the application takes over."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise OverflowError("too many requests sent ahead")  # the parser stops, and the connection with it
        super().on_headers_complete()
        self._stop_waiting()
        self._shares.works(self)

    def request_complete(self) -> None:
        """The last byte of a request has come."""
        self._client_sending = False
        self._stop_waiting()

    def on_response_complete(self) -> None:
        """The answer is written. The rest of a body that was not wanted may come, but not for ever."""
        super().on_response_complete()
        if not self._idle or self.transport.is_closing():
            return
        self._shares.waits(self)
        if self._in_body:
            self._wait_for_client(self._settings.upload_grace_s)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless a request arrived this very moment."""
        if self.transport.has_unread():
            self.timeout_keep_alive_task = self.loop.call_later(RECHECK_S, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words
        """What came is no HTTP: say so, or break off the answer under way."""
        self._refuse(MalformedRequest("this is not a request HTTP/1.1 knows; check its first line, headers and chunks"))

    def refuse_excess(self, reason: str) -> None:
        """Turn the client away; after its answer there is nothing left to say."""
        self._may_ignore = MAX_HEAD  # no client means to
        if self._in_body and self._idle:
            self.transport.close()
        else:
            self._refuse(HeadTooLarge(reason))

    def shutdown(self) -> None:
        """The server stops: close as soon as nothing is under way. Called again and again."""
        if not self._idle:
            self.cycle.keep_alive = False
        elif not (self._client_sending or self._new or self.transport.has_unread()):
            self.transport.close()

    def cut_off(self) -> None:
        """The server cannot wait any longer: answer for the application, or break off."""
        if self._idle and not self._client_sending:
            self.transport.close()
        else:
            self._refuse(NotReady("the service is shutting down and could not wait for this request; send it again"))

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._paused_at, self._bytes_then = self.loop.time(), self.transport.get_write_buffer_size()
        self._reader_timer = self.loop.call_later(self._settings.upload_grace_s, self._check_reader)

    def resume_writing(self) -> None:
        """The client has taken what was written."""
        super().resume_writing()
        if self._reader_timer is not None:
            self._reader_timer.cancel()

    @property
    def _idle(self) -> bool:
        """Whether no answer is owed."""
        return self.cycle is None or self.cycle.response_complete

    def give_way(self) -> bool:
        """Close for another client's sake, unless a request arrived this very moment; tell whether it was done."""
        if self.transport.has_unread():
            return False
        if self._client_sending and not self._in_body:
            self.transport.abort()  # half a head: there is nothing to be answered
        else:
            self.transport.close()
        return True

    @property
    def _shares(self) -> ConnectionShares:
        return self.config.shares

    @property
    def _new(self) -> bool:
        return self.cycle is None and self.loop.time() - self._opened < NEW_S

    def _wait_for_client(self, seconds: float) -> None:
        self._stop_waiting()
        self._client_timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._client_timer is not None:
            self._client_timer.cancel()
            self._client_timer = None

    def _check_reader(self) -> None:
        """Give up on a client that takes less than the least rate: its answer is memory."""
        seconds = self.loop.time() - self._paused_at
        taken = self._bytes_then - self.transport.get_write_buffer_size()
        if taken < seconds * self._settings.upload_min_kib_s * 1024:
            log.info("a client does not read its answer; closed", bytes=taken, seconds=round(seconds, 1))
            self.transport.abort()
        else:
            self._reader_timer = self.loop.call_later(self._settings.upload_grace_s, self._check_reader)

    def _refuse(self, error: AppError) -> None:
        """Answer in the application's place, unless it has begun, and close."""
        if not self._idle:
            if self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected = True  # what it still sends is dropped
            self.cycle.message_event.set()
        request_id = new_id()
        response = refusal(error, request_id)
        headers = MutableHeaders(raw=list(response.raw_headers))
        secure(headers)
        headers[REQUEST_ID] = request_id
        headers["Connection"] = "close"
        lines = [*self.server_state.default_headers, *headers.raw]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
        silent = not self._idle and self.cycle.scope["method"] == "HEAD"
        self.transport.write(STATUS_LINE[response.status_code] + head + b"\r\n" + (b"" if silent else response.body))
        self.transport.close()
        log.info("refused", status=response.status_code, code=error.code, request_id=request_id)
