"""The outermost layer: what holds for every request, whatever route it goes to.

Each response carries `X-Request-ID` (taken over from the caller if it is sane), foreign hosts and origins and encoded
bodies are turned away, and an error nobody foresaw becomes a 500 of the usual shape, written to the log.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import refuse_strangers
from app.db import new_id
from app.errors import NotReady, UnsupportedMediaType
from app.refusals import refuse
from app.settings import Settings

if TYPE_CHECKING:
    from app.measures import Measures

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, settings: Settings, measures: Measures) -> None:
        self.app, self.settings, self.measures = app, settings, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.monotonic(), 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            self._admit(headers)
            await self.app(scope, receive, tagged)
        except ClientDisconnect:
            log.info("caller left", request_id=request_id, path=scope["path"])
        except asyncio.CancelledError:
            if status:
                raise
            late = NotReady("the service is shutting down and could not wait for this request; try again")
            await refuse(Request(scope, receive), late)(scope, receive, tagged)
        except Exception as error:  # the last resort for whatever a request can cause
            if status:  # the answer is under way; all that is left is to break it off
                raise
            await refuse(Request(scope, receive), error)(scope, receive, tagged)
        finally:
            self.measures.request(scope, status=status, seconds=time.monotonic() - began)

    def _admit(self, headers: Headers) -> None:
        if self.settings.auth == "off":
            refuse_strangers(headers)
        if encoding := headers.get("content-encoding"):
            raise UnsupportedMediaType(f"the body is encoded as {encoding!r}; send it without Content-Encoding")


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if SANE_ID.fullmatch(given) else new_id()
