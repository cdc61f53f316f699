"""One answer a turn of the event loop: a batch answers many at once, who would keep the loop from everybody else."""

from __future__ import annotations

import asyncio


class Turnstile:
    """Those who come together go through one by one, in the order they came, with everybody else's business between."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def go_through(self) -> None:
        """Return in a turn of the event loop in which nobody else does."""
        async with self._lock:
            await asyncio.sleep(0)
