"""The keys this process has seen: believed for `KEY_CACHE_S` without asking the database, and while it is down longer.

Wrong keys are remembered for a short while too, so that repeating one costs nothing. Everything here belongs to the
event loop, except the look-ups and `write_uses`, which run in threads.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog
from cachetools import LRUCache, TTLCache

from app.auth import key_store
from app.auth.key_lookups import KeyLookups
from app.auth.key_secret import digest, well_formed
from app.auth.key_store import USE_WRITTEN_EVERY_S, FoundKey
from app.errors import DatabaseUnavailable
from app.settings import Settings
from app.storage.circuit_breaker import UNREACHABLE, CircuitBreaker, Clock
from app.storage.database import Database

log = structlog.get_logger(__name__)

MOST = 10_000
"""Keys remembered, and as many wrong ones; the least recently used is forgotten first."""
WRONG_S = 10.0
"""How long a wrong key is not looked for again."""
WRITE_S = 5.0
"""How often uses are written, at most once a minute for each key."""


@dataclass(frozen=True)
class KnownKey:
    """A key and when the database last said that it is valid, by the process's clock."""

    key: FoundKey
    confirmed_at: float
    confirmed: bool = True
    """False while the database is down: believed from memory."""

    def expired(self, moment: float) -> bool:
        """Tell whether the key has expired since."""
        return self.key.expires_in is not None and moment - self.confirmed_at >= self.key.expires_in


class KeyCache:
    """The cache of one process."""

    def __init__(
        self, db: Database, settings: Settings, *, circuit_breaker: CircuitBreaker, clock: Clock = time.monotonic
    ) -> None:
        self.db, self._clock = db, clock
        self._lookups = KeyLookups(db, circuit_breaker)
        self._cache_s, self._offline_s = settings.key_cache_s, settings.offline_s
        self._known: LRUCache[str, KnownKey] = LRUCache(MOST)
        self._wrong: TTLCache[str, bool] = TTLCache(MOST, ttl=WRONG_S, timer=clock)
        self._written: TTLCache[str, bool] = TTLCache(MOST, ttl=USE_WRITTEN_EVERY_S, timer=clock)
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._writer = threading.Thread(target=self._write_now_and_then, name="key-uses", daemon=True)

    def start(self) -> None:
        """Start writing when keys were last used."""
        self._writer.start()

    def stop(self) -> None:
        """Write the last uses and end."""
        self._stopping.set()
        if self._writer.is_alive():
            self._writer.join()
        self.write_uses()

    async def find(self, secret: str, *, fresh: bool = False) -> KnownKey | None:
        """Return the valid key with this secret; None for one that is malformed, unknown, revoked or expired.

        `fresh` asks the database in any case.

        Raises:
            DatabaseUnavailable: it is not known well enough, and the database does not answer.
        """
        if not well_formed(secret):
            return None
        sha256 = digest(secret)
        known = await (self._ask(sha256) if fresh else self._find(sha256))
        if known is None or known.expired(self._clock()) or not hmac.compare_digest(known.key.sha256, sha256):
            return None
        self._note_use(known.key.id)
        return known

    def forget(self, key_ids: Collection[str]) -> None:
        """Stop believing keys that were revoked here; other processes notice within `KEY_CACHE_S`."""
        for sha256 in [sha256 for sha256, known in self._known.items() if known.key.id in key_ids]:
            del self._known[sha256]

    def write_uses(self) -> None:
        """Write which keys were used since the last time; what cannot be written now is kept for later."""
        with self._lock:
            used, self._used = self._used, set()
        if not used:
            return
        try:
            with self.db.write() as session:
                key_store.mark_used(session, used)
        except UNREACHABLE:
            with self._lock:
                self._used |= used

    async def _find(self, sha256: str) -> KnownKey | None:
        known, moment = self._known.get(sha256), self._clock()
        if known is not None and moment - known.confirmed_at < self._cache_s:
            return known
        if sha256 in self._wrong:
            return None
        try:
            return await self._ask(sha256)
        except DatabaseUnavailable:
            if known is None or moment - known.confirmed_at >= self._offline_s:
                raise
        return KnownKey(known.key, known.confirmed_at, confirmed=False)

    async def _ask(self, sha256: str) -> KnownKey | None:
        moment = self._clock()
        key = await self._lookups.find(sha256)
        if key is None:
            self._known.pop(sha256, None)
            self._wrong[sha256] = True
            return None
        known = self._known[sha256] = KnownKey(key, moment)
        return known

    def _note_use(self, key_id: str) -> None:
        if key_id not in self._written:
            self._written[key_id] = True
            with self._lock:
                self._used.add(key_id)

    def _write_now_and_then(self) -> None:
        while not self._stopping.wait(WRITE_S):
            try:
                self.write_uses()
            except Exception:  # the next round tries again; requests do not depend on it
                log.exception("the last uses of keys could not be written")
