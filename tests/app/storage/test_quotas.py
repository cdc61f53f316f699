"""Quotas hold on both databases, also when several transactions count at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select

from app import jobs
from app.errors import QuotaExceeded, TooManyJobs
from app.registry import datasets
from app.settings import MIB
from app.storage import quotas
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.locks import lock_tenant
from app.storage.models import BlobChunkRow, BlobRow, JobRow
from app.storage.quotas import StorageQuota
from app.storage.stored_rows import ROW_BYTES
from app.storage.table import new_id
from app.storage.tenancy import tenant_classes

TENANT = "default"
TOGETHER = 8


def submit(db: Database, *, most: int, tenant: str = TENANT) -> bool:
    """What a request that starts work does."""
    try:
        with db.write() as session:
            lock_tenant(session, tenant)
            quotas.check_jobs(session, tenant=tenant, most=most)
            jobs.submit(session, tenant=tenant, kind="ticket", resource_kind="ticket", resource_id=new_id())
    except TooManyJobs:
        return False
    return True


def together(act: object, times: int = TOGETHER) -> list[bool]:
    """Run something in many threads that begin at the same moment."""
    gate = Barrier(times)

    def run(number: int) -> bool:
        gate.wait()
        return bool(act(number))  # type: ignore[operator]

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_requests_at_once_start_as_many_jobs_as_may_be(db: Database) -> None:
    assert sorted(together(lambda _: submit(db, most=3))) == [False] * (TOGETHER - 3) + [True] * 3
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(JobRow)) == 3
    assert submit(db, most=3, tenant="another"), "each tenant is counted alone"


def test_a_job_that_ended_makes_room_for_another(db: Database) -> None:
    assert submit(db, most=1)
    assert not submit(db, most=1)
    with db.write() as session:
        jobs.cancel(session, tenant=TENANT, job_id=session.scalars(select(JobRow.id)).one())
    assert submit(db, most=1)


def keep(store: BlobStore, content: bytes) -> str:
    """Stage something and make it part of something."""
    blob = store.stage(TENANT, [content])
    with store.db.write() as session:
        return datasets.create(session, tenant=TENANT, kind="corpus", blob_id=blob.id, count=1).id


def test_uploads_at_once_store_as_much_as_may_be(db: Database) -> None:
    store = BlobStore(db, quota=StorageQuota(350_000))

    def upload(number: int) -> bool:
        try:
            store.stage(TENANT, [bytes([number]) * 100_000])
        except QuotaExceeded:
            return False
        return True

    assert sorted(together(upload)) == [False] * (TOGETHER - 3) + [True] * 3
    with db.read() as session:
        assert session.scalars(select(BlobRow.size)).all() == [100_000] * 3, "nothing is left of what was refused"
    assert store.stage("another", [b"x" * 300_000]).size == 300_000


@pytest.mark.parametrize("sized", [True, False], ids=["files", "streams"])
def test_uploads_at_once_never_store_more_than_may_be_kept(db: Database, tmp_path: Path, *, sized: bool) -> None:
    """What is in the database meanwhile is bounded, too, but for what is being deleted, which no longer counts."""
    most = 4 * MIB
    store, most_seen = BlobStore(db, quota=StorageQuota(most)), [0]

    def look(_: int) -> None:
        with db.read() as session:
            kept = (
                select(func.coalesce(func.sum(BlobChunkRow.size), 0)).join(BlobRow).where(BlobRow.status != "deleting")
            )
            most_seen.append(session.scalar(kept) or 0)

    def upload(number: int) -> bool:
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]) * (3 * MIB))
        try:
            store.stage(TENANT, path if sized else path.open("rb"), on_chunk=look)
        except QuotaExceeded:
            return False
        return True

    stored = sum(together(upload))
    assert max(most_seen) <= most
    assert stored == 1 or (not sized and stored == 0), "streams may stop each other"
    with db.read() as session:
        assert session.scalar(select(func.coalesce(func.sum(BlobChunkRow.size), 0))) == stored * 3 * MIB


def test_every_table_of_a_tenant_counts() -> None:
    assert set(ROW_BYTES) == set(tenant_classes())


def test_what_is_deleted_or_there_already_does_not_count(db: Database) -> None:
    store = BlobStore(db, quota=StorageQuota(150_000))
    dataset = keep(store, b"a" * 90_000)
    with pytest.raises(QuotaExceeded, match="delete what is not needed"):
        store.stage(TENANT, [b"b" * 90_000])
    assert store.stage(TENANT, [b"b" * 50_000]).size == 50_000
    with db.write() as session:
        datasets.erase(session, dataset)
    assert store.stage(TENANT, [b"c" * 90_000]).size == 90_000


def test_a_source_without_end_is_broken_off(db: Database) -> None:
    store = BlobStore(db, quota=StorageQuota(2_500_000))
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1_000_000)

    with pytest.raises(QuotaExceeded):
        store.stage(TENANT, endless())  # type: ignore[arg-type]
    assert taken < 6
