"""Clients who leave before they are answered: what was begun for them is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def until_disconnect(request: Request, predicting: Awaitable[T]) -> T:
    """Wait for `predicting`, and cancel it when the client disconnects: there is no one to answer then."""
    work = asyncio.ensure_future(predicting)
    disconnect = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({work, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        work.cancel()
        disconnect.cancel()


async def _disconnected(request: Request) -> None:
    """Return when the connection is closed. The body has been read, so nothing else can arrive."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
