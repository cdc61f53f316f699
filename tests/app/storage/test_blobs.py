"""Blobs: what comes out is what went in, or an error; nothing half-stored stays, and memory does not grow with size."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from support.registry_rows import TENANT, make_ticket, sample_file, take

from app.errors import BlobNotFound, Conflict, CorruptBlob
from app.jobs import end_attempt
from app.registry import datasets
from app.storage import blob_lifecycle
from app.storage.blobs import BlobStore
from app.storage.chunks import CHUNK
from app.storage.database import Database
from app.storage.disk_full import is_storage_full
from app.storage.models import BlobChunkRow, BlobRow


def count(db: Database, table: type) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def publish(db: Database, blob_id: str) -> str:
    """Refer to a blob, as an upload does; return the id that was referred to."""
    with db.write() as session:
        return datasets.create(session, tenant=TENANT, kind="pairs", blob_id=blob_id, count=1).blob_id


def loaded(store: BlobStore, blob_id: str) -> bytes:
    with store.loaded(blob_id) as content:
        return content.tobytes()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_every_source_comes_back_as_it_was(db: Database, store: BlobStore, tmp_path: Path, size: int) -> None:
    path = sample_file(tmp_path, size)
    content = path.read_bytes()
    for number, source in enumerate((path, io.BytesIO(content), iter([content[:10], b"", content[10:]]))):
        blob = store.stage(f"tenant-{number}", source)
        assert (blob.size, blob.sha256) == (size, hashlib.sha256(content).hexdigest())
        assert b"".join(store.stream(blob.id)) == content
        assert store.fetch(blob.id, tmp_path / "back").read_bytes() == content
        assert loaded(store, blob.id) == content
        store.verify(blob.id)
    with db.read() as session:
        assert session.scalar(select(func.max(BlobChunkRow.size))) in (None, min(size, CHUNK))


@pytest.mark.slow
def test_a_large_blob_never_stands_in_memory(store: BlobStore, tmp_path: Path) -> None:
    path = sample_file(tmp_path, 24 * CHUNK)
    tracemalloc.start()
    try:
        blob = store.stage(TENANT, path)
        assert sum(len(chunk) for chunk in store.stream(blob.id)) == 24 * CHUNK
        assert tracemalloc.get_traced_memory()[1] < 12 * CHUNK
    finally:
        tracemalloc.stop()


def test_the_same_content_is_stored_once_in_a_tenant_and_twice_in_two(db: Database, store: BlobStore) -> None:
    first = publish(db, store.stage(TENANT, [b"same"]).id)
    again = store.stage(TENANT, [b"same"])
    with store.until_used(again.id):
        assert publish(db, again.id) == first
    assert store.stage("other", [b"same"]).id != first
    assert count(db, BlobRow) == 2


def test_twins_staged_side_by_side_become_one(db: Database, store: BlobStore) -> None:
    one, other = store.stage(TENANT, [b"same"]), store.stage(TENANT, [b"same"])
    assert one.id != other.id
    assert publish(db, one.id) == publish(db, other.id) == one.id
    store.collect_garbage()
    assert count(db, BlobRow) == 1
    assert store.read(one.id) == b"same"


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "loaded"])
@pytest.mark.parametrize(
    "damage",
    [
        update(BlobChunkRow).where(BlobChunkRow.idx == 1).values(data=b"x" * CHUNK),
        update(BlobChunkRow).where(BlobChunkRow.idx == 2).values(idx=7),
        update(BlobChunkRow).where(BlobChunkRow.idx == 2).values(data=b"", sha256=hashlib.sha256().hexdigest()),
    ],
    ids=["flipped", "missing", "emptied"],
)
def test_a_damaged_blob_is_refused_quarantined_and_not_found_again(
    db: Database, store: BlobStore, tmp_path: Path, damage: object, streamed: bool
) -> None:
    path = sample_file(tmp_path, 2 * CHUNK + 5)
    blob = store.stage(TENANT, path)
    publish(db, blob.id)
    other = store.stage(TENANT, [b"another"])
    with db.write() as session:
        session.execute(damage)  # type: ignore[call-overload]
    served = []
    with pytest.raises(CorruptBlob):
        served.extend(store.stream(blob.id) if streamed else [loaded(store, blob.id)])
    assert len(served) < 3
    with pytest.raises(CorruptBlob):
        next(store.stream(blob.id))
    with pytest.raises(CorruptBlob):
        loaded(store, blob.id)
    with pytest.raises(CorruptBlob), db.write() as session:
        blob_lifecycle.use(session, blob.id)
    assert store.read(other.id) == b"another"
    assert publish(db, store.stage(TENANT, path).id) != blob.id


def test_chunks_swapped_with_their_hashes_are_noticed_as_a_whole(
    db: Database, store: BlobStore, tmp_path: Path
) -> None:
    blob = store.stage(TENANT, sample_file(tmp_path, 2 * CHUNK))
    with db.write() as session:
        for old, new in ((0, 9), (1, 0), (9, 1)):
            session.execute(update(BlobChunkRow).where(BlobChunkRow.idx == old).values(idx=new))
    with pytest.raises(CorruptBlob):
        store.verify(blob.id)
    assert not (tmp_path / "back").exists()
    with pytest.raises(CorruptBlob), store.loaded(blob.id):
        raise ValueError("what came of unsound content does not count")
    with pytest.raises(CorruptBlob):
        store.fetch(blob.id, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_an_incomplete_blob_cannot_be_published(db: Database, store: BlobStore, tmp_path: Path) -> None:
    blob = store.stage(TENANT, sample_file(tmp_path, 2 * CHUNK))
    with db.write() as session:
        session.execute(BlobChunkRow.__table__.delete().where(BlobChunkRow.idx == 1))  # type: ignore[attr-defined]
    with pytest.raises(CorruptBlob):
        publish(db, blob.id)
    with pytest.raises(Conflict):
        publish(db, "0" * 36)


def test_a_source_that_breaks_off_leaves_nothing(db: Database, store: BlobStore) -> None:
    def source() -> object:
        yield b"x" * (2 * CHUNK)
        raise OSError("the upload broke off")

    with pytest.raises(OSError, match="broke off"):
        store.stage(TENANT, source())  # type: ignore[arg-type]
    assert count(db, BlobRow) == count(db, BlobChunkRow) == 0


def test_garbage_is_what_nothing_refers_to_and_no_job_needs(db: Database, store: BlobStore) -> None:
    kept = publish(db, store.stage(TENANT, [b"kept"]).id)
    fresh = store.stage(TENANT, [b"fresh"]).id
    make_ticket(db)
    claim = take(db)
    held = store.stage(TENANT, [b"held"], job_id=claim.job_id).id
    assert store.collect_garbage() == 0
    with db.write() as session:
        end_attempt(session, claim, code="crashed", detail="", max_attempts=3)
    assert store.collect_garbage() == 1
    for blob_id, content in ((kept, b"kept"), (fresh, b"fresh")):
        assert store.read(blob_id) == content
    with pytest.raises(BlobNotFound):
        store.read(held)
    assert store.collect_garbage(grace_s=-1) == 1
    assert store.read(kept) == b"kept"
    assert count(db, BlobChunkRow) == 1


def test_what_was_staged_and_not_used_goes_at_once(db: Database, store: BlobStore) -> None:
    def refused() -> None:
        with store.until_used(store.stage(TENANT, [b"not used"]).id, None):
            raise ValueError("the request is refused after all")

    with pytest.raises(ValueError, match="refused"):
        refused()
    assert count(db, BlobRow) == count(db, BlobChunkRow) == 0
    used = store.stage(TENANT, [b"used"]).id
    with store.until_used(used):
        publish(db, used)
    assert store.read(used) == b"used"


def test_a_blob_in_use_cannot_be_erased(db: Database, store: BlobStore) -> None:
    blob_id = publish(db, store.stage(TENANT, [b"kept"]).id)
    store.erase(blob_id)
    assert store.read(blob_id) == b"kept"


@pytest.mark.parametrize("number", [28, 122, 27])
def test_a_full_disk_is_recognised_through_its_causes(number: int) -> None:
    error = RuntimeError("while saving")
    error.__cause__ = OSError(number, "full")
    assert is_storage_full(error)
    assert not is_storage_full(OSError(2, "absent"))
