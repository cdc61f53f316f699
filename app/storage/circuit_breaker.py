"""A database that is away: which errors say so, and how requests that can do without it learn that it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, fail_after, to_thread
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.errors import DatabaseUnavailable
from app.storage.database import Database
from app.storage.sql_states import explain
from app.storage.table import now

log = structlog.get_logger(__name__)

UNREACHABLE = (OperationalError, InterfaceError, NoConnectionFree)
"""What SQLAlchemy raises when the database cannot be asked."""
AWAY = (*UNREACHABLE, TimeoutError)
ASK_S = 4.0
"""A database that is frozen, or behind a network that swallows packets, gives no answer at all."""
RETRY_S = 2.0
"""How often it is tried whether a database that failed is back."""
THREADS = 40

T = TypeVar("T")
Clock = Callable[[], float]


class CircuitBreaker:
    """Whether the database answers, for requests that can do without it for a while. Belongs to the event loop.

    Once it has failed no request waits for it any more: a task of its own finds out when it is back.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watch: asyncio.Task[None] | None = None
        """Runs while the database is away."""
        self._threads = CapacityLimiter(THREADS)  # of its own: requests that hang must not be in the way

    async def call(self, look_up: Callable[[], T]) -> T:
        """Run a look-up in a thread, and wait `ASK_S` for it at most; one that hangs is left behind.

        Raises:
            DatabaseUnavailable: the database does not answer, or has not since it failed.
        """
        if self._watch is not None:
            raise DatabaseUnavailable
        try:
            return await self._in_thread(look_up)
        except AWAY as error:
            if (answer := explain(error)) is not None:  # it does answer
                raise DatabaseUnavailable(answer) from error
            if self._watch is None:
                self._watch = asyncio.create_task(self._until_it_is_back())
            raise DatabaseUnavailable from error

    async def _in_thread(self, look_up: Callable[[], T]) -> T:
        with fail_after(ASK_S):
            return await to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=self._threads)

    async def _until_it_is_back(self) -> None:
        began = time.monotonic()
        log.warning("the database does not answer; predictions go on with what is known")
        try:
            while not await self._answers():
                await asyncio.sleep(RETRY_S)
            log.warning("the database answers again", after_s=round(time.monotonic() - began, 1))
        finally:
            self._watch = None  # whatever ended this, the next request finds out by itself

    async def _answers(self) -> bool:
        try:
            await self._in_thread(self._ping)
        except AWAY:
            return False
        return True

    def _ping(self) -> None:
        with self._db.read() as session:
            now(session)
