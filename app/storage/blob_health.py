"""What is wrong with the place of contents, in one sentence; nothing where all of them lie in the database."""

from __future__ import annotations

import asyncio
import time

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import select

from app.storage.blob_places import NO_STORE
from app.storage.circuit_breaker import UNREACHABLE
from app.storage.database import Database
from app.storage.models import BlobRow
from app.storage.object_store import BlobStoreUnavailable, ObjectMissing

log = structlog.get_logger(__name__)

FRESH_S = 5.0
"""How long a finding is believed."""
PATIENCE_S = 1.0
"""A probe waits no longer for a store that says nothing; what is found is told to the next one."""
VERSIONS = (
    "the bucket of LTP_BLOB_URL keeps versions: what is deleted stays in it until a rule of the bucket expires it"
)


def examine_store(db: Database) -> str | None:
    """Return what is wrong: writes a small object, and looks for one that the database has. Blocks for seconds."""
    try:
        with db.read() as session:
            there = select(BlobRow.id).where(BlobRow.digests.is_not(None), BlobRow.status == "ready", BlobRow.size > 0)
            known = session.scalar(there.limit(1))
    except UNREACHABLE:
        return None  # that is the database's matter
    if db.objects is None:
        return NO_STORE if known else None
    try:
        db.objects.check()
        if known is not None and not db.objects.has(known):
            return f"{db.objects.url} does not hold contents that this database has there; is LTP_BLOB_URL right?"
    except BlobStoreUnavailable as error:
        return str(error)
    except ObjectMissing:
        return f"{db.objects.url} does not keep what is written there"
    return None


class StoreWatch:
    """Asks `examine_store` at most every `FRESH_S`, and says what has changed. For a thread that may wait."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: str | None = None
        self._known_at = float("-inf")
        self._first = True

    def wrong(self) -> str | None:
        """Return what is wrong, in a sentence."""
        if time.monotonic() - self._known_at > FRESH_S:
            found = examine_store(self._db)
            if found != self._known:
                log.warning(found or "nothing is wrong with the blob store any more")
            self._known, self._known_at = found, time.monotonic()
            if found is None and self._first and self._db.objects is not None:
                self._first = False
                if self._db.objects.keeps_versions():
                    log.warning(VERSIONS)
        return self._known


class StoreHealth:
    """The same for the probes of an API. Belongs to the event loop; one thread asks, and no probe waits long for it."""

    def __init__(self, db: Database) -> None:
        self._watch = StoreWatch(db)
        self._known: str | None = None
        self._was_right = False
        self._has_store = db.objects is not None
        self._asking: asyncio.Task[None] | None = None
        self._thread = CapacityLimiter(1)

    async def condition(self) -> tuple[str | None, bool]:
        """Return what is wrong, and whether predictions go on all the same: where it was right once, they do."""
        asking = self.start()
        await asyncio.wait([asking], timeout=PATIENCE_S)
        wrong = self._known
        if not asking.done() and not self._was_right and self._has_store:
            wrong = wrong or "the blob store has not answered yet"
        return wrong, self._was_right or wrong is None

    def start(self) -> asyncio.Task[None]:
        """Ask, unless it is being asked; what is wrong is logged even if no probe ever comes."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return self._asking

    async def _ask(self) -> None:
        found = await to_thread.run_sync(self._watch.wrong, limiter=self._thread, abandon_on_cancel=True)
        self._known, self._was_right = found, self._was_right or found is None
