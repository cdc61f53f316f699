"""One log line and one count for each request: where it went and how long it took, never what it said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.middleware.layer import Layer, on_start
from app.http.route_templates import template_of

if TYPE_CHECKING:
    from app.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class RequestLog(Layer):
    """Writes the line and counts the request in `metrics`."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        super().__init__(app)
        self.metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        began, status = time.monotonic(), 0  # the status of a request whose client left before it was answered

        def note(message: Message) -> None:
            nonlocal status
            status = message["status"]

        try:
            await self.app(scope, receive, on_start(send, note))
        finally:
            seconds = time.monotonic() - began
            self.metrics.request(scope, status=status, seconds=seconds)
            caller = scope["state"].get("caller")
            who = {} if caller is None else {"actor": caller.actor, "tenant": caller.tenant}
            spent = round(seconds * 1000, 1)
            log.info("request", method=scope["method"], route=template_of(scope), status=status, ms=spent, **who)
