"""Keys asked of the database: one query at a time, for everybody who waits by then.

However many keys are tried, right or wrong, a process has one such query under way, so that a flood of wrong keys is
borne by the database and a right key behind it waits for two queries at most. Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from app.auth import key_store
from app.auth.key_store import FoundKey
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.database import Database

MOST_AT_ONCE = 256
"""Keys in one query."""


class KeyLookups:
    """The look-ups of one process."""

    def __init__(self, db: Database, circuit_breaker: CircuitBreaker) -> None:
        self._db, self._circuit_breaker = db, circuit_breaker
        self._waiting: dict[str, asyncio.Future[FoundKey | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, sha256: str) -> FoundKey | None:
        """Return the valid key with this hash, as a query that began after the call says.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        answer = self._waiting.get(sha256)
        if answer is None:
            answer = self._waiting[sha256] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieved)
        if self._task is None:
            self._task = asyncio.create_task(self._ask_while_any_wait())
        return await asyncio.shield(answer)  # others may wait for the same key

    async def _ask_while_any_wait(self) -> None:
        try:
            while self._waiting:
                await self._ask_for_some()
        finally:
            self._task = None

    async def _ask_for_some(self) -> None:
        asked = {sha256: self._waiting.pop(sha256) for sha256 in list(self._waiting)[:MOST_AT_ONCE]}
        try:
            found = await self._circuit_breaker.call(partial(self._look_up, list(asked)))
        except BaseException as error:
            for answer in asked.values():
                answer.cancel() if isinstance(error, asyncio.CancelledError) else answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for sha256, answer in asked.items():
            answer.set_result(found.get(sha256))

    def _look_up(self, hashes: Sequence[str]) -> Mapping[str, FoundKey]:
        with self._db.read() as session:
            return key_store.find(session, hashes)


def _retrieved(answer: asyncio.Future[FoundKey | None]) -> None:
    """Look at an error: those who asked may be gone, and asyncio logs what nobody has seen."""
    if not answer.cancelled():
        answer.exception()
