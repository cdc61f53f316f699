"""An answer of the usual shape for whatever the layers inside, and the routes, do not answer themselves."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from app.errors import NotReady
from app.http.error_responses import refuse
from app.http.middleware.layer import Layer, on_start


class UnhandledErrors(Layer):
    """Turns errors into answers."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        begun = False

        def note(_: Message) -> None:
            nonlocal begun
            begun = True

        failure: Exception
        try:
            await self.app(scope, receive, on_start(send, note))
            return
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if begun:
                return  # the server has cut it off
            failure = NotReady("the service is shutting down and could not wait for this request; send it again")
        except Exception as error:
            if begun:  # the answer is under way; all that is left is to break it off
                raise
            failure = error
        await refuse(Request(scope, receive), failure)(scope, receive, send)
