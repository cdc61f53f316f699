"""Retention on both databases: what is old and no product goes, with its texts; everything else stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from support.registry_rows import (
    TENANT,
    finish_adapter,
    finish_ticket,
    make_adapter,
    make_prediction,
    make_ticket,
    ready_adapter,
    ready_ticket,
    take,
)
from support.servers import Postgres, running_postgres

from app import jobs
from app.registry import publish
from app.settings import Settings
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import (
    AdapterRow,
    AliasRow,
    AuditEventRow,
    BlobRow,
    DatasetRow,
    DriftRow,
    IdempotencyKeyRow,
    JobEventRow,
    JobRow,
    PredictionRow,
    TicketRow,
)
from app.storage.table import Base, new_id, now
from worker.retention import AT_ONCE, retire
from worker.sweeper import Sweeper

DAYS = 30
EVERYTHING = (
    PredictionRow,
    AdapterRow,
    TicketRow,
    DriftRow,
    JobRow,
    JobEventRow,
    DatasetRow,
    BlobRow,
    AuditEventRow,
    IdempotencyKeyRow,
    AliasRow,
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'ltp.sqlite3')}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        database = Database(url)
        stack.callback(database.close)
        yield database


def settings(**changes: float) -> Settings:
    return Settings(_env_file=None, **{"retention_days": DAYS, "audit_days": DAYS, **changes})  # type: ignore[arg-type]


def sweep(db: Database) -> int:
    """Retire until there is nothing left to retire, then collect blobs as the sweep does."""
    total = 0
    while retired := retire(settings(), db):
        total += retired
    BlobStore(db).collect_garbage(grace_s=0, at_most=1000)
    return total


def age(db: Database, *rows: Base, days: float = DAYS + 1) -> None:
    """Move every moment of the rows into the past."""
    with db.write() as session:
        for row in rows:
            kind = type(row)
            moments = [
                name for name in ("created_at", "started_at", "finished_at", "published_at") if hasattr(kind, name)
            ]
            stored = session.get_one(kind, row.id)  # type: ignore[attr-defined]
            for name in moments:
                if getattr(stored, name) is not None:
                    setattr(stored, name, getattr(stored, name) - timedelta(days=days))


def counts(db: Database) -> dict[str, int]:
    with db.read() as session:
        return {kind.__name__: session.scalar(select(func.count()).select_from(kind)) or 0 for kind in EVERYTHING}


def rows(db: Database) -> dict[str, int]:
    """As `counts`, without the trail, in which everything that goes leaves an event."""
    found = counts(db)
    del found[AuditEventRow.__name__]
    return found


def trail(db: Database, *, actor: str) -> list[tuple[str, str | None]]:
    """What somebody did to what, in order."""
    with db.read() as session:
        events = session.scalars(select(AuditEventRow).where(AuditEventRow.actor == actor).order_by(AuditEventRow.id))
        return [(event.action, event.resource_id) for event in events]


def has(db: Database, row: AdapterRow | TicketRow | DriftRow | PredictionRow | JobRow) -> bool:
    with db.read() as session:
        return session.get(type(row), row.id) is not None


def cancelled(db: Database, job: JobRow) -> JobRow:
    with db.write() as session:
        return jobs.cancel(session, tenant=job.tenant, job_id=job.id)


def failed(db: Database, job: JobRow) -> JobRow:
    claimed = take(db, job_id=job.id)
    with db.write() as session:
        jobs.fail(session, claimed, code="broken", detail="it broke")
    return job


def predicted(db: Database, adapter: AdapterRow, text: bytes) -> tuple[PredictionRow, JobRow]:
    """A finished prediction with a text and a result of its own."""
    prediction, job = make_prediction(db, adapter, text=text)
    claimed = take(db, job_id=job.id)
    blob = BlobStore(db).stage(adapter.tenant, [b"result of " + text], job_id=job.id)
    with db.write() as session:
        publish.publish_prediction(session, claimed, blob_id=blob.id, summary={})
    return prediction, job


def test_what_is_old_goes_with_its_texts_and_the_product_stays(db: Database) -> None:
    drift, ticket = ready_ticket(db)
    adapter = ready_adapter(db, alias="production")
    before = rows(db)
    prediction, predicting = predicted(db, adapter, b"a client's text\n")
    broken, breaking = make_adapter(db, lang="qu")
    lost_drift, lost_ticket, losing = make_ticket(db)
    age(db, prediction, predicting, broken, failed(db, breaking), lost_drift, lost_ticket, cancelled(db, losing))
    age(db, drift, ticket, adapter)

    assert sweep(db) == 7  # prediction, adapter, ticket, drift, three jobs
    assert rows(db) == before
    gone = {"prediction": prediction, "adapter": broken, "ticket": lost_ticket, "drift": lost_drift}
    over = [("delete_job", job.id) for job in (predicting, breaking, losing)]
    assert set(trail(db, actor="retention")) == {(f"delete_{kind}", row.id) for kind, row in gone.items()} | set(over)
    assert all(has(db, row) for row in (drift, ticket, adapter))
    with db.read() as session:
        blob_ids = session.scalars(select(BlobRow.id)).all()
    for blob_id in blob_ids:
        BlobStore(db).verify(blob_id)


def test_an_artefact_outlives_the_job_that_made_it(db: Database) -> None:
    drift, ticket = ready_ticket(db)
    adapter = ready_adapter(db)
    with db.read() as session:
        makers = session.scalars(select(JobRow)).all()
    age(db, drift, ticket, adapter, *makers)

    assert sweep(db) == len(makers) == 2
    after = counts(db)
    assert (after["JobRow"], after["JobEventRow"]) == (0, 0)
    assert (after["AdapterRow"], after["TicketRow"], after["DriftRow"], after["DatasetRow"]) == (1, 1, 1, 1)
    with db.read() as session:
        kept = session.get_one(AdapterRow, adapter.id)
        assert (kept.status, kept.job_id) == ("ready", None)
        assert BlobStore(db).read(str(kept.blob_id)) == b"delta"


def test_what_is_young_stays(db: Database) -> None:
    adapter = ready_adapter(db)
    prediction, predicting = predicted(db, adapter, b"text\n")
    broken, breaking = make_adapter(db, lang="qu")
    age(db, prediction, predicting, broken, failed(db, breaking), days=DAYS - 1)
    before = counts(db)
    assert sweep(db) == 0
    assert counts(db) == before


def test_the_end_counts_and_not_the_beginning(db: Database) -> None:
    """A job that was created long ago and has just finished is young."""
    adapter = ready_adapter(db)
    prediction, job = make_prediction(db, adapter)
    age(db, prediction, job)
    claimed = take(db, job_id=job.id)
    blob = BlobStore(db).stage(TENANT, [b"result"], job_id=job.id)
    with db.write() as session:
        publish.publish_prediction(session, claimed, blob_id=blob.id, summary={})
    assert sweep(db) == 0
    assert has(db, prediction)


def test_what_is_not_finished_stays_however_old(db: Database) -> None:
    adapter = ready_adapter(db)
    queued, waiting = make_prediction(db, adapter)
    training, running = make_adapter(db, lang="qu")
    take(db, job_id=running.id)
    age(db, queued, waiting, training, running, days=10 * DAYS)
    assert sweep(db) == 0
    assert all(has(db, row) for row in (queued, waiting, training, running))


def test_what_a_repeated_request_would_be_answered_with_stays_until_the_key_is_forgotten(db: Database) -> None:
    adapter = ready_adapter(db)
    prediction, job = predicted(db, adapter, b"text\n")
    age(db, prediction, job)
    with db.write() as session:
        key = IdempotencyKeyRow(
            tenant=TENANT,
            method="POST",
            path="/predictions",
            key="once",
            body_sha256="a" * 64,
            status=202,
            response={},
            job_id=job.id,
            created_at=now(session),
        )
        session.add(key)
    assert sweep(db) == 0
    assert has(db, prediction)
    assert has(db, job)
    with db.write() as session:
        session.execute(update(IdempotencyKeyRow).values(created_at=now(session) - timedelta(days=2)))
    Sweeper(settings(), db, busy_with=lambda: None).forget()
    assert sweep(db) == 2
    assert not has(db, prediction)


def test_a_text_that_two_predictions_share_goes_with_the_second(db: Database) -> None:
    adapter = ready_adapter(db)
    old, old_job = predicted(db, adapter, b"the same text\n")
    young, _ = predicted(db, adapter, b"the same text\n")
    age(db, old, old_job)
    assert sweep(db) == 2
    with db.read() as session:
        dataset = session.get_one(DatasetRow, session.get_one(PredictionRow, young.id).dataset_id)
    assert BlobStore(db).read(dataset.blob_id) == b"the same text\n"


def test_a_failed_ticket_that_somebody_retried_from_the_same_drift_leaves_the_drift_alone(db: Database) -> None:
    drift, _ = ready_ticket(db)
    _, ticket, job = make_ticket(db, drift_id=drift.id)
    _, second, selecting = make_ticket(db, drift_id=drift.id)
    age(db, ticket, cancelled(db, job), drift)
    assert sweep(db) == 2
    assert has(db, drift)
    finish_ticket(db, take(db, job_id=selecting.id), content=b"another mask", with_drift=False)
    assert has(db, second)


def test_more_than_one_sweep_deletes_at_once_is_deleted_by_the_next(db: Database) -> None:
    adapter = ready_adapter(db)
    with db.write() as session:
        moment = now(session) - timedelta(days=DAYS + 1)
        for _ in range(AT_ONCE + 5):
            finished = {"created_at": moment, "finished_at": moment, "status": "succeeded"}
            session.add(
                JobRow(
                    id=new_id(),
                    tenant=TENANT,
                    kind="adapter",
                    payload={},
                    resource_kind="adapter",
                    resource_id=adapter.id,
                    metrics={},
                    **finished,
                )
            )
    assert retire(settings(), db) == AT_ONCE
    assert retire(settings(), db) == 5
    assert retire(settings(), db) == 0


@pytest.mark.slow
def test_runners_that_sweep_at_once_do_not_stand_in_each_others_way(db: Database) -> None:
    adapter = ready_adapter(db)
    for number in range(12):
        prediction, predicting = predicted(db, adapter, b"text %d\n" % number)
        broken, breaking = make_adapter(db, lang="qu")
        age(db, prediction, predicting, broken, failed(db, breaking))
        audit(db, days=DAYS + 1)
    with ThreadPoolExecutor(4) as runners:
        for done in [runners.submit(retire, settings(), db) for _ in range(4)]:
            done.result()
    sweep(db)
    after = counts(db)
    assert (after["PredictionRow"], after["AdapterRow"], after["JobRow"]) == (0, 1, 1)
    deleted = trail(db, actor="retention")
    assert len(set(deleted)) == len(deleted) == 4 * 12, "one event for each, whoever was first"
    assert trail(db, actor="local") == []
    assert (after["DatasetRow"], after["BlobRow"]) == (1, 2)  # what the adapter was trained on, and the adapter


def test_what_was_cancelled_before_it_began_goes_after_a_day_whatever_the_settings(db: Database) -> None:
    """Submitting and cancelling in a loop leaves no rows for ever."""
    begun, beginning = make_adapter(db, lang="qu")
    take(db, job_id=beginning.id)
    age(db, begun, cancelled(db, beginning), days=2)
    before = rows(db)
    made = [(*make_ticket(db),) for _ in range(3)]
    for drift, ticket, job in made:
        age(db, drift, ticket, cancelled(db, job), days=1.5)
    young = make_ticket(db)
    cancelled(db, young[2])
    assert retire(settings(retention_days=0, audit_days=0), db) == 9
    assert all(has(db, row) for row in (*young, begun, beginning))
    assert rows(db)["JobRow"] == before["JobRow"] + 1


def test_zero_keeps_everything(db: Database) -> None:
    adapter = ready_adapter(db)
    prediction, job = predicted(db, adapter, b"text\n")
    audit(db, days=10 * DAYS)
    age(db, prediction, job, days=10 * DAYS)
    before = counts(db)
    assert retire(settings(retention_days=0, audit_days=0), db) == 0
    assert counts(db) == before


def test_audit_events_have_a_time_of_their_own(db: Database) -> None:
    for days in (DAYS + 1, DAYS - 1):
        audit(db, days=days)
    assert retire(settings(retention_days=0), db) == 1
    assert counts(db)["AuditEventRow"] == 1
    assert retire(settings(retention_days=0, audit_days=1), db) == 1


def test_every_tenant_is_swept(db: Database) -> None:
    for tenant in ("one", "another"):
        adapter, job = make_adapter(db, tenant=tenant)
        age(db, adapter, failed(db, job))
    assert sweep(db) == 4
    assert counts(db)["DatasetRow"] == 0


def test_the_sweep_does_it_and_a_finished_adapter_is_not_touched_by_it(db: Database) -> None:
    _, job = make_adapter(db)
    adapter = finish_adapter(db, take(db, job_id=job.id))
    prediction, predicting = predicted(db, adapter, b"text\n")
    age(db, prediction, predicting, adapter)
    Sweeper(settings(), db, busy_with=lambda: None).retire()
    assert not has(db, prediction)
    assert has(db, adapter)


def audit(db: Database, *, days: float) -> None:
    with db.write() as session:
        moment = now(session) - timedelta(days=days)
        session.add(AuditEventRow(id=new_id(), tenant=TENANT, actor="local", action="create_ticket", created_at=moment))
