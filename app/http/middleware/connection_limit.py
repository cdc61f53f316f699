"""Requests on a connection over the limit are refused. `app.http.connection_shares` counts them."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from app.errors import TooManyConnections
from app.http.middleware.layer import Layer
from app.http.route_templates import path_of

PROBES = frozenset({"/healthz", "/readyz"})
"""Answered however many connections are open: too many clients are no reason to restart."""


class ConnectionLimit(Layer):
    """Refuses what comes on a connection that has no share, and says why."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. Raises TooManyConnections."""
        why: str | None = scope["state"].get("over_connection_limit")
        if why is not None and path_of(scope) not in PROBES:
            raise TooManyConnections(why)
        await self.app(scope, receive, send)
