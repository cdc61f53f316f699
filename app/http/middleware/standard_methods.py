"""HEAD wherever GET is, and OPTIONS everywhere: what HTTP asks of every resource, without a word in the routes.

A route that would begin something for GET (a stream, a large file) asks `is_head` first.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.http.middleware.layer import Layer
from app.http.route_templates import methods_of


class StandardMethods(Layer):
    """Answers OPTIONS, and has HEAD answered as GET is, but for the body."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        methods = methods_of(Request(scope)) if scope["method"] in ("HEAD", "OPTIONS") else []
        if scope["method"] == "OPTIONS" and methods:
            await Response(status_code=204, headers={"Allow": ", ".join(methods)})(scope, receive, send)
        elif scope["method"] == "HEAD" and "GET" in methods:
            await self._head(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"  # the server sends no body then, and whoever has more is told that we left
                await send(message)
                await send({"type": "http.response.body"})

        scope["method"], scope["state"]["head"] = "GET", True
        try:
            await self.app(scope, receive, bodiless)
        finally:
            scope["method"] = "HEAD"


def is_head(request: Request) -> bool:
    """Tell whether only the head of the answer is wanted."""
    return getattr(request.state, "head", False)
