"""The database being away: which errors say so, and for how long nobody need ask it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, fail_after, to_thread
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.errors import DatabaseUnavailable

UNREACHABLE = (OperationalError, InterfaceError, NoConnectionFree)
"""What SQLAlchemy raises when the database cannot be asked."""
ASK_S = 4.0
"""A database that is frozen, or behind a network that swallows packets, gives no answer at all."""
RETRY_S = 2.0
"""How often it is tried whether a database that failed is back."""
THREADS = 40

T = TypeVar("T")
Clock = Callable[[], float]


class Outage:
    """Whether the database answers, for those who can do without it for a while. Belongs to the event loop.

    Once it has failed, one look-up at a time tries whether it is back; nobody else waits for it.
    """

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._retry_at: float | None = None
        """None while it answers."""
        self._trying = False
        self._threads = CapacityLimiter(THREADS)  # of its own: requests that hang must not be in the way

    async def ask(self, look_up: Callable[[], T]) -> T:
        """Run a look-up in a thread, and wait `ASK_S` for it at most; one that hangs is left behind.

        Raises:
            DatabaseUnavailable: the database does not answer, or did not a moment ago.
        """
        if self._retry_at is not None and (self._trying or self._clock() < self._retry_at):
            raise DatabaseUnavailable
        self._trying = self._retry_at is not None
        try:
            with fail_after(ASK_S):
                found = await to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=self._threads)
        except (*UNREACHABLE, TimeoutError) as error:
            self._retry_at = self._clock() + RETRY_S
            raise DatabaseUnavailable from error
        else:
            self._retry_at = None
            return found
        finally:
            self._trying = False
