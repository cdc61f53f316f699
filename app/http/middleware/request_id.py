"""The id of a request, in its state, its log lines and `X-Request-ID`: the client's own if it is sane, or a new one."""

from __future__ import annotations

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from app.http.middleware.layer import Layer, on_start
from app.http.security_headers import REQUEST_ID
from app.storage.table import new_id

SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class RequestId(Layer):
    """Gives each request an id."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if SANE_ID.fullmatch(given) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id

        def name_it(message: Message) -> None:
            MutableHeaders(scope=message)[REQUEST_ID] = request_id

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, on_start(send, name_it))
