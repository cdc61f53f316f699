"""Requests on a connection over the limit are refused. `app.http.connection` counts the connections."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import TooManyConnections
from app.http.middleware.layer import Layer

PROBES = frozenset({"/healthz", "/readyz"})
"""Answered however many connections are open: too many clients are no reason to restart."""


class ConnectionLimit(Layer):
    """Refuses what comes on a connection over `most`."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        super().__init__(app)
        self.most = most

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. Raises TooManyConnections."""
        if scope["state"].get("over_connection_limit") and scope["path"] not in PROBES:
            raise TooManyConnections(
                f"more than {self.most} connections are open; close some, or try again in a moment"
            )
        await self.app(scope, receive, send)
