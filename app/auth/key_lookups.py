"""Keys asked of the database: those that are tried at the same time, right or wrong, in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.auth import key_store
from app.auth.key_store import FoundKey
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.database import Database
from app.storage.shared_lookups import SharedLookups

MOST_AT_ONCE = 256
"""Keys in one query."""


class KeyLookups:
    """The look-ups of one process. Belongs to the event loop."""

    def __init__(self, db: Database, circuit_breaker: CircuitBreaker) -> None:
        self._db = db
        self._lookups = SharedLookups(circuit_breaker, self._look_up, most_at_once=MOST_AT_ONCE)

    async def find(self, sha256: str) -> FoundKey | None:
        """Return the valid key with this hash, as a query that began after the call says.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        (key,) = await self._lookups.ask([sha256])
        return key

    def _look_up(self, hashes: Sequence[str]) -> Mapping[str, FoundKey | None]:
        with self._db.read() as session:
            found = key_store.find(session, hashes)
        return {sha256: found.get(sha256) for sha256 in hashes}
