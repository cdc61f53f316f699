"""The security headers of every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from app.http.middleware.layer import Layer, on_start
from app.http.security_headers import secure


class ResponseHeaders(Layer):
    """Adds them."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self.app(scope, receive, on_start(send, _secure))


def _secure(message: Message) -> None:
    secure(MutableHeaders(scope=message))
