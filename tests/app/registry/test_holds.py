"""What a request refers to is there when it is accepted, and stays, whichever of two transactions comes first."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from support.registry_rows import BACKBONE, PAIRS, TENANT, finish_adapter, ready_adapter, ready_ticket, take

from app import jobs
from app.api.idempotency import IdempotentSubmitter
from app.api.schemas.adapters import AdapterAccepted
from app.api.schemas.prediction_files import PredictionAccepted
from app.api.schemas.tickets import TicketAccepted
from app.errors import AdapterNotFound, DriftNotFound, InUse, NoTicket, TicketNotFound
from app.jobs.broker import JobNotifier
from app.registry import adapters, aliases, datasets, drifts, submissions, tickets, trainings
from app.registry.starts import Hyperparameters, WantedStart
from app.registry.submissions import StagedPairs
from app.registry.trainings import StagedExamples, Training
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.locks import lock_tenant
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, DatasetRow, TicketRow
from app.storage.quotas import StorageQuota
from ltp.backbone.manifest import BackboneInfo, read_manifest
from ltp.config import AdapterConfig, TicketConfig

T = TypeVar("T")
OTHER = "other"
NOT_THERE_YET_S = 10
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
PAUSE = """
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
CREATE TRIGGER pause AFTER DELETE ON blob_chunks FOR EACH STATEMENT EXECUTE FUNCTION pause();
"""
Act = Callable[[Session], Any]


@pytest.fixture
def backbone(tiny_backbone_dir: Path) -> BackboneInfo:
    """Of the fingerprint that the tests' tickets are made on."""
    return replace(read_manifest(tiny_backbone_dir), fingerprint=BACKBONE)


def one_after_the_other(db: Database, first: Act, second: Callable[[], T]) -> T:
    """Do `second` while `first` is done and not yet committed; it waits, or has ended, before the commit."""
    with ThreadPoolExecutor(1) as pool:
        with db.write() as session:
            first(session)
            running = pool.submit(second)
            _until_waiting(db, running)
        return running.result()


def _until_waiting(db: Database, running: Future[Any]) -> None:
    """Wait until one transaction waits for another; SQLite does not tell, and lets no second one begin."""
    deadline = time.monotonic() + NOT_THERE_YET_S
    while not running.done() and time.monotonic() < deadline:
        time.sleep(0.05)
        if db.engine.dialect.name == "sqlite":
            time.sleep(0.3)
            return
        with db.engine.connect() as connection:
            if connection.scalar(text(WAITING)):
                return


def submit(db: Database, what: Callable[..., Any], answer: Any, *, tenant: str = TENANT, **arguments: Any) -> str:
    """Have work accepted, as a route does; returns the id of what is to be made."""
    notifier, quota = JobNotifier(None), StorageQuota(1 << 30)
    submitter = IdempotentSubmitter(db.of(tenant), notifier, tenant, key=None, most_jobs=100, quota=quota, root="")
    response = submitter.start("0" * 64, lambda session: what(session, tenant=tenant, **arguments), answer)
    with db.read() as session:
        return jobs.get(session, tenant=tenant, job_id=response.headers["Location"].rpartition("/")[2]).resource_id


def train(
    db: Database, backbone: BackboneInfo, ticket: str | None, *, start: str | None = None, tenant: str = TENANT
) -> str:
    blob = BlobStore(db).stage(tenant, datasets.write_parts({"train": PAIRS}))
    counts = {"train": 2, "dev": 0, "test": 0, "sha256": blob.sha256}
    return submit(
        db,
        trainings.submit_adapter,
        AdapterAccepted.of,
        tenant=tenant,
        backbone=backbone,
        wanted=Training(
            lang="sw",
            method="ltp",
            ticket=ticket,
            start=WantedStart(start, said=True),
            hyperparameters=Hyperparameters(AdapterConfig(), frozenset()),
            seeds=1,
            name=None,
            alias=None,
        ),
        examples=StagedExamples(blob.id, 2, counts, None),
    )


def judge(db: Database, reference: str, *rows: str) -> str:
    blob = BlobStore(db).stage(TENANT, [f"{reference} {rows}".encode()])
    return submit(
        db,
        submissions.submit_prediction,
        PredictionAccepted.of,
        reference=reference,
        fallback=None,
        request={"adapter": reference},
        pairs=StagedPairs(blob.id, 1, None, "csv", "csv", dict.fromkeys(rows, 2)),
    )


def choose(db: Database, backbone: BackboneInfo, drift_id: str) -> str:
    return submit(
        db,
        submissions.submit_selected_ticket,
        TicketAccepted.of,
        backbone=backbone,
        name=None,
        drift_id=drift_id,
        language=None,
        selection=TicketConfig(),
    )


def delete_adapter(adapter_id: str) -> Act:
    return lambda session: adapters.delete_adapter(session, tenant=TENANT, adapter_id=adapter_id)


def delete_ticket(ticket_id: str) -> Act:
    return lambda session: tickets.delete_ticket(session, tenant=TENANT, ticket_id=ticket_id)


def delete_drift(drift_id: str) -> Act:
    return lambda session: drifts.delete_drift(session, tenant=TENANT, drift_id=drift_id)


def point(version: int) -> Act:
    return lambda session: aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=version)


def committed(db: Database, act: Act) -> Any:
    with db.write() as session:
        return act(session)


def none_is_half(db: Database) -> None:
    """No blob lacks its chunks, and no chunk its blob."""
    with db.read() as session:
        stored = select(func.coalesce(func.sum(BlobChunkRow.size), 0)).where(BlobChunkRow.blob_id == BlobRow.id)
        whole = BlobRow.size == stored.correlate(BlobRow).scalar_subquery()
        assert not session.scalars(select(BlobRow.id).where(BlobRow.status == "ready", ~whole)).all()
        blobs = select(BlobRow.id)
        assert not session.scalars(select(BlobChunkRow.blob_id).where(BlobChunkRow.blob_id.not_in(blobs))).all()


def test_an_alias_never_points_at_an_adapter_that_is_being_deleted(db: Database) -> None:
    ready_adapter(db)
    doomed = ready_adapter(db)
    with pytest.raises(AdapterNotFound):
        one_after_the_other(db, delete_adapter(doomed.id), lambda: committed(db, point(2)))


def test_an_adapter_is_not_deleted_while_an_alias_moves_to_it(db: Database) -> None:
    adapter = ready_adapter(db)
    with pytest.raises(InUse):
        one_after_the_other(db, point(1), lambda: committed(db, delete_adapter(adapter.id)))


@pytest.mark.parametrize("in_a_row", [False, True], ids=["request", "row"])
def test_a_file_never_names_an_adapter_that_is_being_deleted(db: Database, in_a_row: bool) -> None:
    kept, doomed = ready_adapter(db), ready_adapter(db)
    named = (kept.id, doomed.id) if in_a_row else (doomed.id,)
    with pytest.raises(AdapterNotFound, match="line 2" if in_a_row else doomed.id):
        one_after_the_other(db, delete_adapter(doomed.id), lambda: judge(db, *named))


@pytest.mark.parametrize("in_a_row", [False, True], ids=["request", "row"])
def test_an_adapter_is_not_deleted_while_an_accepted_file_names_it(db: Database, in_a_row: bool) -> None:
    kept, needed = ready_adapter(db), ready_adapter(db)
    prediction = judge(db, *((kept.id, "sw@2") if in_a_row else ("sw@2",)))
    with pytest.raises(InUse, match="unfinished prediction"):
        committed(db, delete_adapter(needed.id))
    with db.write() as session:
        (job,) = [row for row in jobs.list_jobs(session, tenant=TENANT).items if row.resource_id == prediction]
        jobs.cancel(session, tenant=TENANT, job_id=job.id)
    committed(db, delete_adapter(needed.id))


def test_a_training_never_starts_on_a_ticket_that_is_being_deleted(db: Database, backbone: BackboneInfo) -> None:
    _, ticket = ready_ticket(db)
    with pytest.raises(TicketNotFound):
        one_after_the_other(db, delete_ticket(ticket.id), lambda: train(db, backbone, ticket.id))


def test_a_training_never_begins_from_an_adapter_that_is_being_deleted(db: Database, backbone: BackboneInfo) -> None:
    ticket = ready_ticket(db)[1]
    start = ready_adapter(db, ticket_id=ticket.id)
    with pytest.raises(AdapterNotFound):
        one_after_the_other(db, delete_adapter(start.id), lambda: train(db, backbone, ticket.id, start=start.id))


def test_an_adapter_is_kept_until_what_begins_from_it_is_trained_and_named_when_it_is_gone(
    db: Database, backbone: BackboneInfo
) -> None:
    ticket = ready_ticket(db)[1]
    start = ready_adapter(db, ticket_id=ticket.id)
    begun = train(db, backbone, None, start=start.id)
    with pytest.raises(InUse, match=begun), db.write() as session:
        delete_adapter(start.id)(session)
    with db.read() as session:
        row = session.get_one(AdapterRow, begun)
        job_id = str(row.job_id)
        assert (row.ticket_id, row.start_id) == (ticket.id, start.id), "the start's ticket is the default"
    finish_adapter(db, take(db, job_id=job_id))
    with db.write() as session:
        delete_adapter(start.id)(session)
    with db.read() as session:
        told = session.get_one(AdapterRow, begun).start
    assert told == {"id": start.id, "lang": "sw", "version": 1}


def test_the_default_is_another_ticket_while_the_newest_is_being_deleted(db: Database, backbone: BackboneInfo) -> None:
    _, other = ready_ticket(db)
    _, newest = ready_ticket(db, content=b"newer")
    adapter = one_after_the_other(db, delete_ticket(newest.id), lambda: train(db, backbone, None))
    with db.read() as session:
        assert session.get_one(AdapterRow, adapter).ticket_id == other.id


@pytest.mark.parametrize("named", [True, False], ids=["named", "default"])
@pytest.mark.parametrize("end", ["deleted", "shared no more"])
def test_a_shared_ticket_that_its_owner_takes_back_is_gone_for_others(
    db: Database, backbone: BackboneInfo, named: bool, end: str
) -> None:
    """Transactions of other tenants do not wait for its owner's."""
    _, ticket = ready_ticket(db)

    def share(*, shared: bool) -> Act:
        return lambda session: tickets.set_shared(session, tenant=TENANT, ticket_id=ticket.id, shared=shared)

    committed(db, share(shared=True))
    take_back = delete_ticket(ticket.id) if end == "deleted" else share(shared=False)
    with pytest.raises(TicketNotFound if named else NoTicket):
        one_after_the_other(db, take_back, lambda: train(db, backbone, ticket.id if named else None, tenant=OTHER))


def test_a_selection_never_starts_on_a_drift_that_is_being_deleted(db: Database, backbone: BackboneInfo) -> None:
    drift, _ = ready_ticket(db)
    with pytest.raises(DriftNotFound):
        one_after_the_other(db, delete_drift(drift.id), lambda: choose(db, backbone, drift.id))


def test_a_drift_stays_under_a_ticket_that_is_being_accepted(db: Database) -> None:
    """Else the ticket's job would look for a drift that it was accepted for."""
    drift, _ = ready_ticket(db)

    def accept(session: Session) -> None:
        lock_tenant(session, TENANT)
        found = drifts.get_ready(session, tenant=TENANT, drift_id=drift.id)
        tickets.create(session, tenant=TENANT, drift=found, config=TicketConfig())

    with pytest.raises(InUse):
        one_after_the_other(db, accept, lambda: committed(db, delete_drift(drift.id)))
    with db.read() as session:
        assert set(session.scalars(select(TicketRow.drift_id))) == {drift.id}


def test_a_text_that_is_sent_again_while_it_is_erased_is_kept(db: Database, backbone: BackboneInfo) -> None:
    """It was found to be here already, and is gone when it is to be used."""
    ready_ticket(db)
    doomed = ready_adapter(db)
    blob = BlobStore(db).stage(TENANT, datasets.write_parts({"train": PAIRS}))
    committed(db, delete_adapter(doomed.id))
    dataset = committed(
        db, lambda session: datasets.create(session, tenant=TENANT, kind="examples", blob_id=blob.id, count=2)
    )
    assert b"The dog runs." in BlobStore(db).read(dataset.blob_id)
    none_is_half(db)


def test_a_text_is_not_erased_under_one_who_is_about_to_refer_to_it(db: Database) -> None:
    doomed = ready_adapter(db)
    again = BlobStore(db).stage(TENANT, datasets.write_parts({"train": PAIRS}))

    def accept(session: Session) -> None:
        datasets.create(session, tenant=TENANT, kind="examples", blob_id=again.id, count=2)

    one_after_the_other(db, accept, lambda: committed(db, delete_adapter(doomed.id)))
    with db.read() as session:
        (kept,) = session.scalars(select(DatasetRow.blob_id))
    assert b"The dog runs." in BlobStore(db).read(kept)
    none_is_half(db)


def test_a_text_is_whole_however_long_erasing_its_twin_takes(db: Database, backbone: BackboneInfo) -> None:
    """A trigger widens the moment between the deletion of the chunks and that of the blob."""
    if db.engine.dialect.name == "sqlite":
        return  # a statement cannot sleep there, and no other transaction begins meanwhile
    ready_ticket(db)
    doomed = ready_adapter(db)
    with db.engine.begin() as connection:
        connection.execute(text(PAUSE))
    with ThreadPoolExecutor(2) as pool:
        erasing = pool.submit(committed, db, delete_adapter(doomed.id))
        time.sleep(0.4)
        adapter = pool.submit(train, db, backbone, None).result()
        erasing.result()
    with db.read() as session:
        dataset = session.get_one(DatasetRow, session.get_one(AdapterRow, adapter).dataset_id)
    assert b"The dog runs." in BlobStore(db).read(dataset.blob_id)
    none_is_half(db)


def test_a_sweep_leaves_what_came_into_use_after_it_had_looked(db: Database) -> None:
    store = BlobStore(db)
    blob = store.stage(TENANT, [b"an hour old"])

    def accept(session: Session) -> None:
        datasets.create(session, tenant=TENANT, kind="pairs", blob_id=blob.id, count=1)

    one_after_the_other(db, accept, lambda: store.collect_garbage(grace_s=-1))
    assert store.read(blob.id) == b"an hour old"
