"""The event loop's lag: how much later than asked for it wakes, and so how long its tasks wait."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from prometheus_client import Histogram

EVERY_S = 0.02
"""Time between two looks; each takes some microseconds."""


class LoopLag:
    """A task that measures the loop it is started on."""

    def __init__(self, lag: Histogram) -> None:
        self._lag = lag
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; on the event loop."""
        self._task = asyncio.create_task(self._measure())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _measure(self) -> None:
        while True:  # the loop's own clock stands still while it is kept from turning
            due = time.monotonic() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self._lag.observe(max(0.0, time.monotonic() - due))
