"""Moving contents between the database and a store while the service runs, and what a store has that no row refers to.

A blob is copied, read back and compared before its row says that it lies elsewhere; what it leaves behind is deleted
afterwards. Whatever interrupts that, the next run goes on with the blobs that are not there yet and with what was left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select

from app.errors import BlobNotFound, CorruptBlob
from app.storage.blob_lifecycle import locked
from app.storage.blob_places import ObjectWriter, RowWriter, store_of
from app.storage.blobs import ERASED_AT_ONCE, BlobStore
from app.storage.database import Database
from app.storage.models import BlobChunkRow, BlobRow
from app.storage.object_store import StoredObject
from app.storage.table import now

Place = Literal["database", "store"]
PLACES: tuple[Place, ...] = ("database", "store")
SETTLED_S = 86_400
"""An object without a row may belong to an upload that has begun before its row was seen; after a day it does not."""


class Held(NamedTuple):
    """How many contents lie in a place, and their bytes."""

    blobs: int
    bytes: int


class Moved(NamedTuple):
    """What a run has moved, and the ids of what could not be, with the reason."""

    blobs: int
    bytes: int
    refused: list[tuple[str, str]]


class BlobMoves:
    """Moves the blobs of every tenant. Raises `BlobStoreUnavailable` when the store is away, and can be run again."""

    def __init__(self, db: Database) -> None:
        self._db, self._blobs, self._objects = db, BlobStore(db), store_of(db)

    def held(self) -> dict[Place, Held]:
        """Count what lies where."""
        figures = select(func.count(), func.coalesce(func.sum(BlobRow.size), 0)).where(BlobRow.status == "ready")
        with self._db.read() as session:
            counted = {place: session.execute(figures.where(_lies(place))).one() for place in PLACES}
        return {place: Held(number, int(size)) for place, (number, size) in counted.items()}

    def move(self, to: Place, *, report: Callable[[int, int], None] = lambda _done, _of: None) -> Moved:
        """Move every ready blob; `report` gets how many bytes are done, and of how many."""
        self._finish()
        source: Place = "database" if to == "store" else "store"
        of, done, moved, refused = self.held()[source].bytes, 0, 0, []
        after = ""
        while batch := self._next(source, after):
            for blob in batch:
                after = blob.id
                try:
                    moved += self._to_store(blob) if to == "store" else self._to_database(blob)
                except CorruptBlob as error:
                    refused.append((blob.id, str(error)))
                    continue
                except BlobNotFound:  # deleted meanwhile
                    continue
                done += blob.size
                report(done, of)
        return Moved(moved, done, refused)

    def orphans(self, *, settled_s: float = SETTLED_S) -> Iterator[StoredObject]:
        """Yield the objects that no row refers to and that are so old, as after a backup was put back.

        What is not named as blobs are is another program's.
        """
        with self._db.read() as session:
            settled = now(session) - timedelta(seconds=settled_s)
        for found in self._objects.objects():
            if found.changed < settled and _is_id(found.key):
                with self._db.read() as session:
                    blob = session.get(BlobRow, found.key)
                if blob is None or (blob.digests is None and blob.sha256 is not None):
                    yield found

    def remove(self, orphan: StoredObject) -> None:
        """Delete an object that no row refers to."""
        self._objects.delete(orphan.key)

    def _next(self, place: Place, after: str) -> list[BlobRow]:
        ready = select(BlobRow).where(BlobRow.status == "ready", _lies(place), BlobRow.id > after)
        with self._db.read() as session:
            return list(session.scalars(ready.order_by(BlobRow.id).limit(100)))

    def _finish(self) -> None:
        """Delete the rows of blobs whose move into the store was interrupted after they had arrived."""
        left = select(BlobRow.id).where(_lies("store"), exists().where(BlobChunkRow.blob_id == BlobRow.id))
        with self._db.read() as session:
            found = session.scalars(left).all()
        for blob_id in found:
            self._delete_rows(blob_id)

    def _to_store(self, blob: BlobRow) -> bool:
        writer, digest = ObjectWriter(self._objects, blob.id), hashlib.sha256()
        for data in self._blobs.stream(blob.id):
            writer.write(data)
            digest.update(data)
        digests = writer.finish()
        arrived = hashlib.sha256()
        for data in self._objects.read(blob.id):
            arrived.update(data)
        if {digest.hexdigest(), arrived.hexdigest()} != {blob.sha256}:
            raise CorruptBlob(f"blob {blob.id} is not in the store what it is in the database")
        if not self._say(blob, digests):
            with self._db.read() as session:
                erased = (
                    session.scalar(select(BlobRow.id).where(BlobRow.id == blob.id, BlobRow.status == "ready")) is None
                )
            if erased:  # else another run has moved it
                writer.discard()
            return False
        self._delete_rows(blob.id)
        return True

    def _to_database(self, blob: BlobRow) -> bool:
        self._delete_rows(blob.id)  # of a run that was interrupted
        writer, digest = RowWriter(self._db, blob.id), hashlib.sha256()
        for data in self._blobs.stream(blob.id):
            writer.write(data)
            digest.update(data)
        if digest.hexdigest() != blob.sha256:
            raise CorruptBlob(f"blob {blob.id} is damaged: its content does not match its SHA-256")
        if not self._say(blob, None):
            return False
        self._objects.delete(blob.id)
        return True

    def _say(self, blob: BlobRow, digests: bytes | None) -> bool:
        """Say where a blob lies now; False when it is about to be erased, or another run has moved it."""
        with self._db.write() as session:
            row = locked(session, blob.id)
            stored = select(func.coalesce(func.sum(BlobChunkRow.size), 0)).where(BlobChunkRow.blob_id == blob.id)
            if row is None or row.status != "ready" or row.digests != blob.digests:
                return False
            if digests is None and session.scalar(stored) != row.size:  # another run has begun it anew
                return False
            row.digests = digests
        return True

    def _delete_rows(self, blob_id: str) -> None:
        while True:
            with self._db.write() as session:
                row = locked(session, blob_id)
                if row is None or row.digests is None:  # another run has brought it back
                    return
                some = select(BlobChunkRow.idx).where(BlobChunkRow.blob_id == blob_id).limit(ERASED_AT_ONCE)
                gone = delete(BlobChunkRow).where(BlobChunkRow.blob_id == blob_id, BlobChunkRow.idx.in_(some))
                if not session.execute(gone.returning(BlobChunkRow.idx)).all():
                    return


def _is_id(key: str) -> bool:
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False


def _lies(place: Place) -> ColumnElement[bool]:
    return BlobRow.digests.is_(None) if place == "database" else BlobRow.digests.is_not(None)
