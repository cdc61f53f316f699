"""Case 10. A process killed before, at, or after any statement of a publication: all of it is visible, or nothing."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event, func, select
from support.registry_rows import (
    TENANT,
    finish_adapter,
    finish_language_delta,
    finish_ticket,
    make_adapter,
    make_language_delta,
    make_prediction,
    make_ticket,
    ready_adapter,
    take,
)
from support.servers import Postgres
from support.service_processes import wait_for

from app.jobs import Claim, requeue_all_running
from app.registry import publish
from app.storage.blobs import BlobStore
from app.storage.database import Database
from app.storage.models import (
    AdapterRow,
    BlobRow,
    DriftRow,
    JobRow,
    LanguageDeltaRow,
    LanguageDeltaVersionRow,
    LanguageVersionRow,
    PredictionRow,
    TicketRow,
)

pytestmark = pytest.mark.process


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, db: Database) -> Iterator[Database]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        yield db
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        real = Database(url)
        yield real
        real.close()


def finish_prediction(db: Database, claimed: Claim) -> None:
    """Publish a file's result as the worker does."""
    blob = BlobStore(db).stage(TENANT, [b"result"], job_id=claimed.job_id)
    with db.write() as session:
        publish.publish_prediction(session, claimed, blob_id=blob.id, summary={"pairs": 1})


def publish_killed_at(db: Database, publish: Callable[[Database, Claim], object], step: int) -> bool:
    """Publish in a process that kills itself at its `step`-th statement; whether it got to the end."""
    db.close()  # a connection must not be shared with the fork
    pid = os.fork()
    if pid == 0:
        try:
            _publish_and_die(Database(db.url), publish, step)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code == 0


def _publish_and_die(db: Database, publish: Callable[[Database, Claim], object], step: int) -> None:
    claim = take(db)
    left = itertools.count(step, -1)

    def count(*_: object) -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(db.engine, "before_cursor_execute", count)
    event.listen(db.engine, "commit", count)
    publish(db, claim)
    os._exit(0)


def all_or_nothing(db: Database, job_id: str) -> bool:
    """Whether the job's results are published; fails when only some of them are."""
    with db.read() as session:
        job = session.get_one(JobRow, job_id)
        made = [
            row
            for table in (DriftRow, TicketRow, LanguageDeltaRow, AdapterRow, PredictionRow)
            for row in session.scalars(select(table).where(table.job_id == job_id))
        ]
    published = job.status == "succeeded"
    assert {row.status for row in made} == {"ready" if published else "pending"}
    for row in made:
        blob_id = row.result_blob_id if isinstance(row, PredictionRow) else row.blob_id
        assert (blob_id is not None) == published
        if published:
            BlobStore(db).verify(str(blob_id))
    return published


def queued(db: Database, kind: str) -> tuple[JobRow, Callable[[Database, Claim], object]]:
    """A job of a kind, and how its result is published."""
    if kind == "ticket":
        return make_ticket(db)[2], finish_ticket
    if kind == "adapter":
        return make_adapter(db)[1], finish_adapter
    if kind == "language_delta":
        return make_language_delta(db)[1], finish_language_delta
    return make_prediction(db, ready_adapter(db))[1], finish_prediction


@pytest.mark.parametrize("kind", ["ticket", "adapter", "language_delta", "prediction"])
def test_a_kill_at_any_statement_publishes_all_or_nothing_and_once(database: Database, kind: str) -> None:
    db = database
    job, publish_result = queued(db, kind)

    def taken_back() -> bool:  # Postgres keeps the dead one's locks until it has noticed
        with db.write() as session:
            return requeue_all_running(session, max_attempts=1000) == [job.id]

    for step in itertools.count():
        ended = publish_killed_at(db, publish_result, step)
        published = all_or_nothing(db, job.id)
        assert published or not ended
        if published:
            break
        wait_for(taken_back, timeout_s=20)
    print(f"killed at each of {step} steps")  # noqa: T201
    assert step > 20
    with db.read() as session:
        counter = LanguageDeltaVersionRow if kind == "language_delta" else LanguageVersionRow
        versions = session.scalars(select(counter.last_version)).all()
        assert versions == ([] if kind == "ticket" else [1])
    store = BlobStore(db)
    while store.collect_garbage():
        pass
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(BlobRow).where(BlobRow.status != "ready")) == 0
