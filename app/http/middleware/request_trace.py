"""The span of each request, in the trace that its `traceparent` names, or in one of its own; never what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.middleware.layer import Layer, on_start
from app.http.route_templates import path_of, template_of
from app.trace_context import TRACEPARENT

if TYPE_CHECKING:
    from app.telemetry.tracing import Attributes, Tracing

LOOKED_AT = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask for every few seconds has no span."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestTrace(Layer):
    """Opens a span around each request, and hands its traceparent on to what the request starts."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        super().__init__(app)
        self.tracing = tracing

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if not self.tracing.on or path_of(scope) in LOOKED_AT:
            await self.app(scope, receive, send)
            return
        status = 0  # of a request whose client left before it was answered

        def note(message: Message) -> None:
            nonlocal status
            status = message["status"]

        span = self.tracing.request(Headers(scope=scope).get("traceparent", ""))
        before = TRACEPARENT.set(span.traceparent)
        try:
            await self.app(scope, receive, on_start(send, note))
        finally:
            TRACEPARENT.reset(before)
            error = str(status) if status >= 500 else None
            span.end(_name(scope), _described(scope, status), error=error)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _name(scope: Scope) -> str:
    return f"{_method(scope)} {template_of(scope)}"


def _described(scope: Scope, status: int) -> Attributes:
    answered = {"http.response.status_code": status} if status else {}
    return {
        "http.request.method": _method(scope),
        "http.route": template_of(scope),
        "ltp.request.id": scope["state"]["request_id"],
        **answered,
    }
