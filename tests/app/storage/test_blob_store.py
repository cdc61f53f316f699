"""Contents in an S3-compatible store: what comes out is what went in, a row never refers to what is not there, and
nothing is lost while the store is away.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select
from support.cli_process import run as cli
from support.needs import PROCESS, needs
from support.object_server import BUCKET, ObjectServer, running_object_server
from support.registry_rows import TENANT, sample_file
from support.service_processes import wait_for

from app.errors import BlobNotFound, CorruptBlob
from app.registry import datasets
from app.settings import Settings
from app.storage import blob_health, blob_lifecycle
from app.storage.blob_moves import BlobMoves
from app.storage.blobs import BlobStore
from app.storage.chunks import CHUNK
from app.storage.database import Database
from app.storage.models import BlobChunkRow, BlobRow
from app.storage.object_store import PART, BlobStoreUnavailable, ObjectStore, StoredObject

pytestmark = pytest.mark.process
URL = f"s3://{BUCKET}/kept"


@pytest.fixture(scope="module")
@needs(PROCESS)
def server() -> Iterator[ObjectServer]:
    with running_object_server() as started, pytest.MonkeyPatch.context() as environment:
        for name, value in started.environment.items():
            environment.setenv(name, value)
        yield started


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path, server: ObjectServer) -> Iterator[Database]:
    """An empty database over an empty store."""
    for key in server.keys("kept"):
        server.client.delete_object(Bucket=BUCKET, Key=f"kept/{key}")
    shutil.copy(migrated_sqlite, tmp_path / "ltp.sqlite3")
    database = Database(f"sqlite:///{tmp_path / 'ltp.sqlite3'}", objects=ObjectStore(URL))
    yield database
    database.close()


def plain(db: Database) -> Database:
    """The same database without the store."""
    return Database(db.url)


def publish(db: Database, blob_id: str) -> str:
    with db.write() as session:
        return datasets.create(session, tenant=TENANT, kind="pairs", blob_id=blob_id, count=1).blob_id


def rows(db: Database) -> tuple[int, int]:
    """How many blobs and chunks the database has."""
    with db.read() as session:
        tables = (BlobRow, BlobChunkRow)
        return tuple(session.scalar(select(func.count()).select_from(each)) or 0 for each in tables)  # type: ignore[return-value]


def loaded(store: BlobStore, blob_id: str) -> bytes:
    with store.loaded(blob_id) as content:
        return content.tobytes()


@pytest.mark.parametrize("size", [0, 1, CHUNK + 1, 2 * PART + 17])
def test_every_source_comes_back_as_it_was_and_none_of_it_lies_in_the_database(
    db: Database, store: BlobStore, server: ObjectServer, tmp_path: Path, size: int
) -> None:
    path = sample_file(tmp_path, size)
    content = path.read_bytes()
    sources = (path, io.BytesIO(content), iter([content[:10], b"", content[10:]]))
    for number, source in enumerate(sources if size < PART else sources[2:]):
        blob = store.stage(f"tenant-{number}", source)
        assert (blob.size, blob.sha256) == (size, hashlib.sha256(content).hexdigest())
        assert b"".join(store.stream(blob.id)) == content
        assert store.fetch(blob.id, tmp_path / "back").read_bytes() == content
        assert loaded(store, blob.id) == content
        store.verify(blob.id)
        assert blob.id in server.keys("kept")
    assert rows(db)[1] == 0


def test_the_same_content_is_kept_once_and_what_is_erased_leaves_the_store(
    db: Database, store: BlobStore, server: ObjectServer
) -> None:
    first = publish(db, store.stage(TENANT, [b"a text that is taken back"]).id)
    again = store.stage(TENANT, [b"a text that is taken back"])
    with store.until_used(again.id):
        assert publish(db, again.id) == first
    assert server.keys("kept") == {first}
    store.erase(first)
    assert store.read(first) == b"a text that is taken back", "what something refers to is not erased"
    with db.write() as session:
        for row in session.scalars(select(datasets.DatasetRow)):
            session.delete(row)
        session.flush()
        blob_lifecycle.erase_text(session, first)
    with pytest.raises(BlobNotFound):
        store.read(first)
    assert store.collect_garbage() == 1
    assert (server.keys("kept"), rows(db)) == (set(), (0, 0))


@pytest.mark.parametrize("damage", ["flipped", "cut short", "another's"])
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "loaded"])
def test_a_damaged_object_is_refused_by_its_hash(
    db: Database, store: BlobStore, server: ObjectServer, tmp_path: Path, damage: str, streamed: bool
) -> None:
    path = sample_file(tmp_path, 2 * CHUNK + 5)
    content = path.read_bytes()
    blob = store.stage(TENANT, path)
    publish(db, blob.id)
    changed = {"flipped": content[:-1] + b"!", "cut short": content[: 2 * CHUNK], "another's": b"?" * len(content)}
    server.put(f"kept/{blob.id}", changed[damage])
    with pytest.raises(CorruptBlob, match=r"damaged|not whole"):
        list(store.stream(blob.id)) if streamed else loaded(store, blob.id)
    twin = store.stage(TENANT, path)
    store.verify_twin(twin.id)
    with pytest.raises(CorruptBlob):
        store.read(blob.id)


def test_an_object_that_is_not_there_is_told_and_not_condemned(
    db: Database, store: BlobStore, server: ObjectServer
) -> None:
    """As where LTP_BLOB_URL names another bucket: with the right one everything is as it was."""
    kept = publish(db, store.stage(TENANT, [b"kept"]).id)
    elsewhere = Database(db.url, objects=ObjectStore(f"s3://{BUCKET}/elsewhere"))
    with pytest.raises(CorruptBlob, match="not whole in the blob store"):
        BlobStore(elsewhere).read(kept)
    assert "is LTP_BLOB_URL right?" in str(blob_health.examine_store(elsewhere))
    with pytest.raises(BlobStoreUnavailable, match="LTP_BLOB_URL names none"):
        BlobStore(plain(db)).read(kept)
    assert "LTP_BLOB_URL names none" in str(blob_health.examine_store(plain(db)))
    assert blob_health.examine_store(db) is None
    assert store.read(kept) == b"kept"


def test_a_source_that_breaks_off_leaves_nothing(db: Database, store: BlobStore, server: ObjectServer) -> None:
    def source() -> Iterator[bytes]:
        yield b"x" * (PART + CHUNK)
        assert server.unfinished() == 1
        raise OSError("the upload broke off")

    with pytest.raises(OSError, match="broke off"):
        store.stage(TENANT, source())
    assert (rows(db), server.keys("kept"), server.unfinished()) == ((0, 0), set(), 0)


def test_a_process_that_dies_while_it_sends_leaves_what_the_sweep_finds(
    db: Database, store: BlobStore, server: ObjectServer
) -> None:
    begun = store.stage(TENANT, [b"half"])
    with db.write() as session:
        row = session.get_one(BlobRow, begun.id)
        row.sha256, row.digests = None, None
    assert db.objects is not None
    for data in (b"x" * PART, b"y"):
        upload = db.objects.upload(begun.id)
        upload.write(data)
    assert server.unfinished() == 1
    assert store.collect_garbage(grace_s=-1) == 1
    assert (rows(db), server.keys("kept"), server.unfinished()) == ((0, 0), set(), 0)


def test_nothing_is_lost_while_the_store_is_away_and_nobody_waits_for_it(
    db: Database, store: BlobStore, server: ObjectServer
) -> None:
    kept = publish(db, store.stage(TENANT, [b"kept"]).id)
    taken_back = store.stage(TENANT, [b"taken back"]).id
    large = publish(db, store.stage(TENANT, [bytes([n]) * CHUNK for n in range(6)]).id)
    served = store.stream(large)
    parts = [next(served)]
    with server.away():
        with pytest.raises(BlobStoreUnavailable, match="does not answer"):
            store.stage(TENANT, [b"sent in vain"])
        for read in (lambda: store.read(kept), lambda: loaded(store, kept), lambda: parts.extend(served)):
            with pytest.raises(BlobStoreUnavailable):
                read()
        store.collect_garbage(grace_s=-1)
        assert "does not answer" in str(blob_health.examine_store(db))
    wait_for(lambda: blob_health.examine_store(db) is None, timeout_s=20)
    wait_for(lambda: _reads(store, kept, b"kept"), timeout_s=20)
    wait_for(lambda: store.collect_garbage(grace_s=-1) == 0, timeout_s=20)
    assert server.keys("kept") == {kept, large}, taken_back
    assert loaded(store, large) == b"".join(bytes([n]) * CHUNK for n in range(6))


def _reads(store: BlobStore, blob_id: str, content: bytes) -> bool:
    try:
        return store.read(blob_id) == content
    except BlobStoreUnavailable:
        return False


def test_a_connection_that_breaks_while_it_is_read_is_taken_up_again(
    db: Database, store: BlobStore, server: ObjectServer
) -> None:
    content = [bytes([n]) * CHUNK for n in range(24)]
    blob = store.stage(TENANT, content)
    parts = []
    for number, chunk in enumerate(store.stream(blob.id)):
        parts.append(chunk)
        if number == 2:
            with server.away():
                wait_for(lambda: not server.gate._open)
    assert parts == content


def test_contents_move_into_the_store_and_back_while_they_are_read(
    db: Database, server: ObjectServer, tmp_path: Path
) -> None:
    old = BlobStore(plain(db))
    content = [bytes([n]) * CHUNK for n in range(4)]
    large, small = publish(db, old.stage(TENANT, content).id), publish(db, old.stage(TENANT, [b"small"]).id)
    staged = old.stage(TENANT, [b"not used yet"]).id
    store, moves = BlobStore(db), BlobMoves(db)
    assert rows(db) == (3, 6)

    reading = store.stream(large)
    parts = [next(reading)]
    assert moves.move("store")[:2] == (2, 4 * CHUNK + 5)
    assert [*parts, *reading] == content
    assert (rows(db), server.keys("kept")) == ((3, 1), {large, small})
    assert moves.move("store")[0] == 0

    reading = store.stream(large)
    parts = [next(reading)]
    assert moves.move("database")[:2] == (2, 4 * CHUNK + 5)
    assert [*parts, *reading] == content
    assert (rows(db), server.keys("kept")) == ((3, 6), set())
    for blob_id, whole in ((large, b"".join(content)), (small, b"small"), (staged, b"not used yet")):
        assert old.read(blob_id) == whole


def test_a_move_that_was_interrupted_is_finished_by_the_next(db: Database, server: ObjectServer) -> None:
    blob_id = publish(db, BlobStore(plain(db)).stage(TENANT, [b"a" * CHUNK, b"b"]).id)
    store, moves = BlobStore(db), BlobMoves(db)
    with db.read() as session:
        left = [(row.idx, row.sha256, row.size, row.data) for row in session.scalars(select(BlobChunkRow))]
    moves.move("store")
    with db.write() as session:  # it had arrived, and half of what it left was deleted
        index, sha256, size, data = left[1]
        session.add(BlobChunkRow(blob_id=blob_id, idx=index, sha256=sha256, size=size, data=data))
    assert store.read(blob_id) == b"a" * CHUNK + b"b"
    assert moves.move("store").blobs == 0
    assert rows(db) == (1, 0)
    with db.write() as session:  # half of it was back
        session.add(BlobChunkRow(blob_id=blob_id, idx=1, sha256="0" * 64, size=1, data=b"?"))
    assert moves.move("database").blobs == 1
    assert BlobStore(plain(db)).read(blob_id) == b"a" * CHUNK + b"b"


def test_what_is_damaged_does_not_move_and_stays_where_it_is(db: Database, server: ObjectServer) -> None:
    store = BlobStore(db)
    sound, damaged = publish(db, store.stage(TENANT, [b"sound"]).id), publish(db, store.stage(TENANT, [b"good"]).id)
    server.put(f"kept/{damaged}", b"evil")
    moved = BlobMoves(db).move("database")
    assert (moved.blobs, [blob for blob, _ in moved.refused]) == (1, [damaged])
    assert server.keys("kept") == {damaged}
    assert BlobStore(plain(db)).read(sound) == b"sound"


def test_an_orphan_is_an_old_object_with_a_blobs_name_and_no_row(db: Database, server: ObjectServer) -> None:
    kept = BlobStore(db).stage(TENANT, [b"kept"]).id
    server.put("kept/0197f3c2-5a9e-7c4e-8f6d-2b1a3c4d5e6f", b"lost")
    server.put("kept/of-another-program", b"not ours")
    moves = BlobMoves(db)
    assert list(moves.orphans()) == [], "it may be under way"
    found: list[StoredObject] = list(moves.orphans(settled_s=-60))
    assert [orphan.key for orphan in found] == ["0197f3c2-5a9e-7c4e-8f6d-2b1a3c4d5e6f"]
    moves.remove(found[0])
    assert server.keys("kept") == {kept, "of-another-program"}


def test_a_bucket_that_is_not_there_is_one_sentence(server: ObjectServer) -> None:
    with pytest.raises(BlobStoreUnavailable, match="has no bucket 'no-such-bucket', which LTP_BLOB_URL names"):
        ObjectStore("s3://no-such-bucket").check()


@pytest.mark.parametrize("url", ["bucket", "s3://", "s3://A/b", "https://host/bucket", "s3://key:secret@bucket"])
def test_a_url_that_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="names no bucket"):
        Settings(blob_url=url)


def test_the_command_counts_moves_and_says_what_is_wrong(db: Database, server: ObjectServer) -> None:
    publish(db, BlobStore(plain(db)).stage(TENANT, [b"kept"]).id)
    at = {"database_url": db.url, "blob_url": URL}
    assert cli("blobs", "move", "--to", "store", "--json", **at).json == {"blobs": 1, "bytes": 4, "refused": []}
    counted = {"database": {"blobs": 0, "bytes": 0}, "store": {"blobs": 1, "bytes": 4}}
    assert cli("blobs", "show", "--json", **at).json == counted
    wrong = cli("blobs", "show", database_url=db.url, blob_url="s3://no-such-bucket")
    assert (wrong.code, "has no bucket 'no-such-bucket'" in wrong.err, "Traceback" in wrong.err) == (1, True, False)
