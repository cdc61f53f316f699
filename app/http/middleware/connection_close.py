"""`Connection: close` where the connection is to end with the answer.

That is while the process drains before it stops, after a body that did not come in time, and on a connection over the
limit.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.middleware.layer import Layer, on_start

REQUEST_TIMEOUT = 408


class ConnectionClose(Layer):
    """Adds the header. `draining` tells whether the process is about to stop."""

    def __init__(self, app: ASGIApp, *, draining: Callable[[], bool]) -> None:
        super().__init__(app)
        self.draining = draining

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        def close(message: Message) -> None:
            if self.draining() or message["status"] == REQUEST_TIMEOUT or scope["state"].get("over_connection_limit"):
                MutableHeaders(scope=message)["Connection"] = "close"

        await self.app(scope, receive, on_start(send, close))
