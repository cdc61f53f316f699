"""Encoded bodies are refused: a small one may unpack to more than any limit."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.errors import UnsupportedMediaType
from app.http.middleware.layer import Layer


class ContentEncoding(Layer):
    """Refuses requests with `Content-Encoding`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. Raises UnsupportedMediaType."""
        if encoding := Headers(scope=scope).get("content-encoding"):
            raise UnsupportedMediaType(f"the body is encoded as {encoding!r}; send it without Content-Encoding")
        await self.app(scope, receive, send)
