"""Requests that one batch answers resume one after the other, so that the event loop does other work between them."""

from __future__ import annotations

import asyncio


class Stagger:
    """Lets coroutines that were woken together go on one an iteration of the event loop, in the order they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Return in an iteration of the event loop in which it returns to no other coroutine."""
        async with self._lock:
            await asyncio.sleep(0)
