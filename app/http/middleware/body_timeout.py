"""The deadline of a request's body: a grace for every client, and longer only for bytes that keep coming.

Only the time spent waiting for the client counts, not what the service itself takes between two chunks.
"""

from __future__ import annotations

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import RequestTimeout
from app.http.middleware.layer import Layer


class BodyTimeout(Layer):
    """Bounds the time a body may take: `grace_s` seconds, and longer only at `bytes_s` bytes a second or more."""

    def __init__(self, app: ASGIApp, *, grace_s: float, bytes_s: float) -> None:
        super().__init__(app)
        self.grace_s, self.bytes_s = grace_s, bytes_s

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self.app(scope, TimedBody(receive, grace_s=self.grace_s, bytes_s=self.bytes_s), send)


class TimedBody:
    """`receive` of one request, which raises RequestTimeout once the body is overdue."""

    def __init__(self, receive: Receive, *, grace_s: float, bytes_s: float) -> None:
        self._receive, self._grace_s, self._bytes_s = receive, grace_s, bytes_s
        self._received = 0
        self._waited = 0.0
        self._complete = False

    async def __call__(self) -> Message:
        """Return the next message; after the last of the body that is the client's leaving, for which there is time."""
        if self._complete:
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self.allowed_s - self._waited)):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout(
                f"{self._received:,} bytes of the body came in {self.allowed_s:g} s; after {self._grace_s:g} s it has "
                f"to come at {self._bytes_s / 1024:g} KiB/s or more"
            ) from None
        finally:
            self._waited += time.monotonic() - began
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        return message

    @property
    def allowed_s(self) -> float:
        """How long the client may have kept us waiting by now."""
        return max(self._grace_s, self._received / self._bytes_s)
