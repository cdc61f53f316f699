"""The outermost layer: what holds for every request, whatever route it goes to.

Each response carries `X-Request-ID` (taken over from the caller if it is sane) and the security headers, and leaves one
line in the log; foreign hosts and origins and encoded bodies are turned away, a body has its deadline, and an error
nobody foresaw becomes a 500 of the usual shape.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import NotReady, TooManyConnections, UnsupportedMediaType
from app.http.body_timeout import TimedBody
from app.http.error_responses import refuse
from app.http.route_templates import template_of
from app.http.security_headers import REQUEST_ID, secure
from app.http.trusted_hosts import refuse_strangers
from app.settings import Settings
from app.storage.table import new_id

if TYPE_CHECKING:
    from app.telemetry.metrics import Measures

log = structlog.get_logger(__name__)

SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
PROBES = frozenset({"/healthz", "/readyz"})
"""Answered however many connections are open: a crowd is no reason to restart."""


class Gate:
    """ASGI middleware around the whole application. `leaving` tells whether the process is about to stop."""

    def __init__(
        self, app: ASGIApp, *, settings: Settings, measures: Measures, leaving: Callable[[], bool] = lambda: False
    ) -> None:
        self.app, self.settings, self.measures, self.leaving = app, settings, measures, leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = time.monotonic(), 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                secure(headers)
                if self.leaving() or status == 408 or state.get("crowded"):
                    headers["Connection"] = "close"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._serve(scope, receive, tagged, begun=lambda: bool(status))
            finally:
                self._note(scope, status=status, seconds=time.monotonic() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, begun: Callable[[], bool]) -> None:
        """Let the application answer, and answer in its place where it cannot."""
        rate = self.settings.upload_min_kib_s * 1024
        timed = TimedBody(receive, grace_s=self.settings.upload_grace_s, bytes_s=rate)
        failure: Exception
        try:
            self._admit(scope)
            await self.app(scope, timed, send)
            return
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if begun():
                return  # the server has cut it off
            failure = NotReady("the service is shutting down and could not wait for this request; send it again")
        except Exception as error:  # the last resort for whatever a request can cause
            if begun():  # the answer is under way; all that is left is to break it off
                raise
            failure = error
        await refuse(Request(scope, receive), failure)(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["state"].get("crowded") and scope["path"] not in PROBES:
            most = self.settings.max_connections
            raise TooManyConnections(f"more than {most} connections are open; close some, or try again in a moment")
        if self.settings.auth == "off":
            refuse_strangers(headers)
        if encoding := headers.get("content-encoding"):
            raise UnsupportedMediaType(f"the body is encoded as {encoding!r}; send it without Content-Encoding")

    def _note(self, scope: Scope, *, status: int, seconds: float) -> None:
        """Count the request, and write its line: where it went, never what it said. Status 0: the caller left."""
        self.measures.request(scope, status=status, seconds=seconds)
        caller = scope["state"].get("caller")
        who = {} if caller is None else {"actor": caller.actor, "tenant": caller.tenant}
        spent = round(seconds * 1000, 1)
        log.info("request", method=scope["method"], route=template_of(scope), status=status, ms=spent, **who)


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if SANE_ID.fullmatch(given) else new_id()
