"""Contents of artefacts and uploads: chunks of at most 1 MiB, in the database or in a store, checked on every read.

Nothing here holds more than a few chunks in memory, and no transaction writes more than one, so a 500 MB artefact
blocks nobody. A blob is `staging` until `use` makes it part of something published; what nothing refers to is
collected. Where a blob lies says its row, so that both places may be in use at once (`blob_places`), and a blob may be
moved while it is read. Whatever touches a store may raise `BlobStoreUnavailable`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from app.errors import BlobNotFound, CorruptBlob
from app.storage.blob_lifecycle import garbage, is_garbage, is_unreferenced, locked, ready_twin
from app.storage.blob_places import CHUNK_AT, chunks, next_chunk, remove_object, writer
from app.storage.chunks import CHUNK, Source, cut
from app.storage.database import Database
from app.storage.locks import lock_tenant
from app.storage.models import BlobChunkRow, BlobRow
from app.storage.object_store import BlobStoreUnavailable
from app.storage.table import new_id, now
from ltp import atomic_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.storage.quotas import StorageQuota

log = structlog.get_logger(__name__)

ERASED_AT_ONCE = 16
"""Chunks deleted in one transaction."""
OBJECTS = 8
"""So many objects are deleted as quickly as a blob's chunks are, or more quickly."""
READERS = 2
"""Threads that read one content into memory: databases and hashing leave the interpreter."""
GRACE_S = 3600
"""What is staged outside a job, or referred to no more, is safe from collection for so long."""
PASSES = (DBAPIError, BlobStoreUnavailable)
"""What keeps something from being deleted now; the sweep does it later."""


class BlobStore:
    """Reads and writes blobs. Every method opens short transactions of its own. `quota` bounds what is staged."""

    def __init__(self, db: Database, *, quota: StorageQuota | None = None) -> None:
        self.db, self.quota = db, quota

    def stage(
        self,
        tenant: str,
        source: Source,
        *,
        job_id: str | None = None,
        on_chunk: Callable[[int], None] | None = None,
    ) -> BlobRow:
        """Store `source` chunk by chunk as `staging`, also where the tenant has the same content already.

        That is taken instead by `use`, and not before: what is found sooner may be erased by the time it is used.
        `on_chunk` is called with the bytes stored so far; it may raise to stop. What was stored of a source that
        fails is deleted. The size of a file counts for its tenant from the beginning, that of other sources as they
        come, so that never more than the quota is stored. Raises `QuotaExceeded`, and the database's error when there
        is no room (`is_storage_full`).
        """
        reserved = source.stat().st_size if isinstance(source, Path) else 0
        with self.db.write() as session:
            blob = BlobRow(id=new_id(), tenant=tenant, status="staging", job_id=job_id, created_at=now(session))
            blob.size = reserved
            session.add(blob)
            if self.quota is not None:
                self.quota.check(session, tenant)
        content = writer(self.db, blob.id)
        try:
            digest, size = hashlib.sha256(), 0
            for data in cut(source):
                size += len(data)
                if size > reserved:
                    reserved = self._reserve(blob.id, size)
                content.write(data)
                digest.update(data)
                if on_chunk is not None:
                    on_chunk(size)
            return self._complete(blob.id, digest.hexdigest(), size, content.finish())
        except BaseException:
            with suppress(*PASSES):
                self.erase(blob.id)
                content.discard()
            raise

    def stream(self, blob_id: str) -> Iterator[bytes]:
        """Yield the content chunk by chunk, each one checked. Raises `BlobNotFound` or `CorruptBlob` before the fault.

        The first `next()` already tells whether the blob is there; a damaged one is quarantined on the way.
        """
        blob = self._readable(blob_id)
        left, index, found = blob.size, 0, chunks(self.db, blob)
        while left > 0:
            chunk = next_chunk(found)
            if chunk is None and (moved := self._moved(blob)) is not None:
                blob, found = moved, chunks(self.db, moved, start=index)
                continue
            if chunk is None and blob.digests is not None:
                raise CorruptBlob(f"blob {blob_id} is not whole in the blob store, where the database has it")
            if chunk is None or not chunk.is_sound(left):
                self._quarantine(blob_id, index)
            yield chunk.data
            left -= len(chunk.data)
            index += 1

    def fetch(self, blob_id: str, path: Path) -> Path:
        """Write the content to `path`, which appears once the SHA-256 of the whole is checked; returns `path`."""
        digest = hashlib.sha256()
        with atomic_file.new_content(path, durable=False) as file:  # a copy of what the database keeps
            for data in self.stream(blob_id):
                digest.update(data)
                file.write(data)
            self._compare(blob_id, digest.hexdigest())
        return path

    @contextmanager
    def loaded(self, blob_id: str) -> Iterator[NDArray[np.uint8]]:
        """Read a large content into memory, (size,), every chunk checked, and the whole while the block runs.

        Raises as `stream` does, and at the block's end when it is the whole, whatever happened inside.
        """
        import numpy as np

        blob = self._readable(blob_id)
        content = np.empty(blob.size, np.uint8)  # numpy's large arrays get huge pages: filled in a third of the time

        if blob.digests is not None or not self._fill(blob, content):
            for start, data in zip(range(0, blob.size, CHUNK), self.stream(blob_id), strict=False):
                content[start : start + CHUNK] = memoryview(data)
        with ThreadPoolExecutor(1, thread_name_prefix="blob") as hashing:
            whole = hashing.submit(_sha256, content)
            try:
                yield content
            finally:
                self._compare(blob_id, whole.result())

    def _fill(self, blob: BlobRow, content: NDArray[np.uint8]) -> bool:
        """Fill in a blob's rows; False when it has been moved into a store meanwhile."""

        def fill(start: int) -> bool:
            part = content[start : start + CHUNK]
            with self.db.read() as session:
                chunk = session.execute(CHUNK_AT, {"blob": blob.id, "index": start // CHUNK}).one_or_none()
            if chunk is None or len(chunk.data) != len(part):
                return False
            part[:] = memoryview(chunk.data)
            return bool(_sha256(part) == chunk.sha256)

        with ThreadPoolExecutor(READERS, thread_name_prefix="blob") as readers:
            for index, sound in enumerate(readers.map(fill, range(0, blob.size, CHUNK))):
                if not sound and self._moved(blob) is not None:
                    return False
                if not sound:
                    self._quarantine(blob.id, index)
        return True

    def _moved(self, blob: BlobRow) -> BlobRow | None:
        """Return the row of a blob that lies elsewhere than when it was looked at; None if it lies where it lay."""
        found = self._readable(blob.id)
        return found if (found.digests is None) != (blob.digests is None) else None

    def _readable(self, blob_id: str) -> BlobRow:
        with self.db.read() as session:
            blob = session.get(BlobRow, blob_id)
        if blob is None or blob.status == "deleting":
            raise BlobNotFound(blob_id)
        if blob.status == "corrupt":
            raise CorruptBlob(f"blob {blob_id} is quarantined: its content was damaged in storage")
        return blob

    def read(self, blob_id: str) -> bytes:
        """Return a small content whole."""
        return b"".join(self.stream(blob_id))

    def verify(self, blob_id: str) -> None:
        """Read everything back and compare with the SHA-256 of the whole. Raises `CorruptBlob`."""
        digest = hashlib.sha256()
        for data in self.stream(blob_id):
            digest.update(data)
        self._compare(blob_id, digest.hexdigest())

    def verify_twin(self, blob_id: str) -> None:
        """Read back the ready blob of the same content, if there is one; a damaged one is quarantined, and not used."""
        with self.db.read() as session:
            twin = ready_twin(session, session.get_one(BlobRow, blob_id))
        if twin is not None:
            with suppress(BlobNotFound, CorruptBlob):
                self.verify(twin.id)

    @contextmanager
    def until_used(self, *blob_ids: str | None) -> Iterator[None]:
        """At the end of the block, erase those of the staged blobs that nothing has come to refer to."""
        try:
            yield
        finally:
            with suppress(*PASSES):
                with self.db.read() as session:
                    unused = BlobRow.id.in_(filter(None, blob_ids)), BlobRow.status != "ready"
                    left = session.scalars(select(BlobRow.id).where(*unused)).all()
                for blob_id in left:
                    self.erase(blob_id)

    def erase(self, blob_id: str) -> None:
        """Delete a blob nothing refers to, a few chunks at a time; absent ones are no error."""
        self._erase(blob_id, None)

    def _erase(self, blob_id: str, grace_s: float | None) -> None:
        """As `erase`; with `grace_s` only what is garbage still, now that nobody else can touch it."""
        with self.db.write() as session:
            blob = locked(session, blob_id)
            if blob is None or not is_unreferenced(session, blob_id):
                return
            if grace_s is not None and not is_garbage(session, blob_id, grace_s):
                return
            blob.status = "deleting"
        remove_object(self.db, blob)
        while True:
            with self.db.write() as session:
                some = select(BlobChunkRow.idx).where(BlobChunkRow.blob_id == blob_id).limit(ERASED_AT_ONCE)
                chunks = delete(BlobChunkRow).where(BlobChunkRow.blob_id == blob_id, BlobChunkRow.idx.in_(some))
                if not session.execute(chunks.returning(BlobChunkRow.idx)).all():
                    session.execute(delete(BlobRow).where(BlobRow.id == blob_id))
                    return

    def collect_garbage(self, *, grace_s: float = GRACE_S, at_most: int = 8) -> int:
        """Delete up to `at_most` blobs that nothing refers to or whose job is over, of a store more; return how many.

        What lies in a store that is away stays `deleting` until it is back.
        """
        gone = 0
        for place, most in ((BlobRow.digests.is_(None), at_most), (BlobRow.digests.is_not(None), OBJECTS * at_most)):
            with self.db.read() as session:
                found = select(BlobRow.id).where(garbage(session, grace_s), place).limit(most)
                doomed = session.scalars(found).all()
            try:
                for blob_id in doomed:
                    self._erase(blob_id, grace_s)
                    gone += 1
            except BlobStoreUnavailable as error:
                log.warning("what was deleted is still in the blob store; it is tried again", error=str(error))
        return gone

    def _reserve(self, blob_id: str, size: int) -> int:
        """Count so many bytes for a blob that is being stored, unless the tenant has no room for them."""
        with self.db.write() as session:
            blob = session.get_one(BlobRow, blob_id)
            if self.quota is not None:
                lock_tenant(session, blob.tenant)
            blob.size = size
            if self.quota is not None:
                self.quota.check(session, blob.tenant)
        return size

    def _complete(self, blob_id: str, sha256: str, size: int, digests: bytes | None) -> BlobRow:
        """Note hash, size, and where it lies."""
        with self.db.write() as session:
            blob = session.get_one(BlobRow, blob_id)
            blob.sha256, blob.size, blob.digests = sha256, size, digests
            return blob

    def _compare(self, blob_id: str, sha256: str) -> None:
        with self.db.read() as session:
            stored = session.scalar(select(BlobRow.sha256).where(BlobRow.id == blob_id))
        if stored != sha256:
            self._quarantine(blob_id, None)

    def _quarantine(self, blob_id: str, index: int | None) -> NoReturn:
        """Mark a damaged blob, so that it is neither served nor found again by its content, and raise."""
        with self.db.write() as session:
            marked = session.scalar(
                update(BlobRow)
                .where(BlobRow.id == blob_id, BlobRow.status.in_(("staging", "ready")))
                .values(status="corrupt")
                .returning(BlobRow.id)
            )
            there = session.scalar(select(BlobRow.id).where(BlobRow.id == blob_id, BlobRow.status != "deleting"))
        if marked is None and there is None:  # what another tenant shares is refused, and quarantined by its own
            raise BlobNotFound(blob_id)
        place = "its content" if index is None else f"chunk {index}"
        raise CorruptBlob(f"blob {blob_id} is damaged: {place} does not match its SHA-256; it will not be served")


def _sha256(data: NDArray[np.uint8]) -> str:
    return hashlib.sha256(data.data).hexdigest()
