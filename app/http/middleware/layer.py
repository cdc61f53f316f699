"""What the layers have in common: they see HTTP requests only, and may change the head of an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Layer(ABC):
    """An ASGI layer around `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; what is not one goes on to `app`."""
        await (self.handle if scope["type"] == "http" else self.app)(scope, receive, send)

    @abstractmethod
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""


def on_start(send: Send, look: Callable[[Message], None]) -> Send:
    """Return a `send` that shows `look` the message that begins the answer before it passes it on."""

    async def looked_at(message: Message) -> None:
        if message["type"] == "http.response.start":
            look(message)
        await send(message)

    return looked_at
