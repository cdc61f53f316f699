"""Where a blob's bytes lie, and how they get there and back: in rows of the database, or as one object of a store.

Either way the SHA-256 of every chunk is kept in the database, and whoever reads compares. Of what lies in a store the
row has them all (`digests`), and the object's key is the blob's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple, Protocol

from sqlalchemy import bindparam, select

from app.storage.chunks import CHUNK
from app.storage.database import Database
from app.storage.models import BlobChunkRow, BlobRow
from app.storage.object_store import BlobStoreUnavailable, ObjectMissing, ObjectStore

DIGEST = hashlib.sha256().digest_size
CHUNK_AT = select(BlobChunkRow.data, BlobChunkRow.sha256).where(
    BlobChunkRow.blob_id == bindparam("blob"), BlobChunkRow.idx == bindparam("index")
)
NO_STORE = "contents lie in a blob store, and LTP_BLOB_URL names none; set it as it was"


class Chunk(NamedTuple):
    """At most `CHUNK` bytes as they are found, and the SHA-256 that they had."""

    data: bytes
    sha256: str

    def is_sound(self, left: int) -> bool:
        """Tell whether it is what was stored, and fits into the `left` bytes that the blob still has."""
        return 0 < len(self.data) <= left and hashlib.sha256(self.data).hexdigest() == self.sha256


class Writer(Protocol):
    """Takes a blob's chunks in their order."""

    def write(self, data: bytes) -> None:
        """Store the next chunk."""

    def finish(self) -> bytes | None:
        """Return the digests of what lies in a store once it is all there; None for what lies in the database."""

    def discard(self) -> None:
        """Remove what is not removed with the blob's row."""


class RowWriter:
    """Writes rows, each in a transaction of its own."""

    def __init__(self, db: Database, blob_id: str) -> None:
        self._db, self._blob_id, self._indices = db, blob_id, count()

    def write(self, data: bytes) -> None:
        """Store the next chunk."""
        sha256 = hashlib.sha256(data).hexdigest()
        row = BlobChunkRow(blob_id=self._blob_id, idx=next(self._indices), sha256=sha256, size=len(data), data=data)
        with self._db.write() as session:
            session.add(row)

    def finish(self) -> None:
        """Everything is there already."""

    def discard(self) -> None:
        """Rows go with the blob's."""


class ObjectWriter:
    """Writes one object. Holds one part of it in memory."""

    def __init__(self, objects: ObjectStore, blob_id: str) -> None:
        self._objects, self._blob_id = objects, blob_id
        self._upload = objects.upload(blob_id)
        self._digests = bytearray()

    def write(self, data: bytes) -> None:
        """Take the next chunk."""
        self._digests += hashlib.sha256(data).digest()
        self._upload.write(data)

    def finish(self) -> bytes:
        """Return the digests of the chunks, once the object is there as a whole."""
        self._upload.finish()
        return bytes(self._digests)

    def discard(self) -> None:
        """Remove the object, or what was sent of it: its row may have been erased before it was there."""
        self._objects.delete(self._blob_id, begun=True)


def writer(db: Database, blob_id: str) -> Writer:
    """Return what writes a new blob: into the store if there is one."""
    return RowWriter(db, blob_id) if db.objects is None else ObjectWriter(db.objects, blob_id)


def chunks(db: Database, blob: BlobRow, *, start: int = 0) -> Iterator[Chunk]:
    """Yield a blob's chunks from number `start` on, unchecked; ends early where some are not there.

    Raises `ObjectMissing` and `BlobStoreUnavailable` of what lies in a store.
    """
    if blob.digests is not None:
        data = store_of(db).read(blob.id, offset=start * CHUNK)
        known = (blob.digests[at : at + DIGEST].hex() for at in range(start * DIGEST, len(blob.digests), DIGEST))
        yield from map(Chunk._make, zip(data, known, strict=False))
        return
    for index in count(start):
        with db.read() as session:
            found = session.execute(CHUNK_AT, {"blob": blob.id, "index": index}).one_or_none()
        if found is None:
            return
        yield Chunk(found.data, found.sha256)


def next_chunk(found: Iterator[Chunk]) -> Chunk | None:
    """Take the next of `chunks`; None where none is, or its object is gone."""
    try:
        return next(found, None)
    except ObjectMissing:
        return None


def remove_object(db: Database, blob: BlobRow) -> None:
    """Delete a blob's object, or what may have been sent of one; of a blob in the database, nothing."""
    if blob.digests is not None:
        store_of(db).delete(blob.id)
    elif blob.sha256 is None and db.objects is not None:
        db.objects.delete(blob.id, begun=True)


def store_of(db: Database) -> ObjectStore:
    """Return the store of what lies in one. Raises `BlobStoreUnavailable` when the settings name none."""
    if db.objects is None:
        raise BlobStoreUnavailable(NO_STORE)
    return db.objects


def is_whole(blob: BlobRow, in_rows: int) -> bool:
    """Tell whether all of a blob is stored, of which the database has `in_rows` bytes."""
    if blob.digests is None:
        return in_rows == blob.size
    return len(blob.digests) == DIGEST * -(-blob.size // CHUNK)
