"""Room for one upload: on the spool, and in what its tenant may keep. Asked for before a byte of it is written."""

from __future__ import annotations

from app.errors import TooManyUploads
from app.storage.database import Database
from app.storage.quotas import StorageQuota
from app.storage.spool import RETRY_AFTER_S, SpoolFolder

FRAMING = 64 * 1024
"""Bytes of a body that are none of its files: boundaries, heads of parts, the request itself."""


class UploadRoom:
    """What one request may write into its folder. `copies`: how often its files are written again beside themselves."""

    def __init__(self, folder: SpoolFolder, quota: StorageQuota, db: Database, *, tenant: str, copies: int) -> None:
        self.folder, self.tenant, self._quota, self._copies = folder, tenant, quota, copies
        with db.of(tenant).read() as session:
            self._left = quota.left(session, tenant)

    def expect(self, declared: int) -> None:
        """Refuse a body of the size declared, before any of it is read. Raises as `take` does."""
        self._check(max(0, declared - FRAMING))

    def take(self, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            QuotaExceeded: the tenant may not keep so much.
            TooManyUploads: it may not, with its other uploads; or they have its share of the spool.
            SpoolFull, BodyTooLarge: the spool has no room for it, now or ever.
        """
        self._check(size)
        self.folder.take(size * (1 + self._copies))

    def _check(self, size: int) -> None:
        own = self.folder.size // (1 + self._copies) + size
        if own > self._left:
            raise self._quota.exceeded(self.tenant)
        if self.folder.beside + own > self._left:
            what = "with your other uploads under way this one is more than your storage has room for"
            raise TooManyUploads(f"{what}; wait for one to end", retry_after=RETRY_AFTER_S)
        self.folder.check(size * (1 + self._copies))
