"""A process killed before, at, or after any statement of a publication: all of it is visible, or nothing."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable

import pytest
from making import finish_adapter, finish_ticket, make_adapter, make_ticket, take
from sqlalchemy import event, func, select

from app.blobs import BlobStore
from app.db import Database
from app.jobs import Claim, take_back_all
from app.models import Adapter, Blob, Drift, Job, LanguageVersion, Ticket


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
        job = session.get_one(Job, job_id)
        made = [
            row
            for table in (Drift, Ticket, Adapter)
            for row in session.scalars(select(table).where(table.job_id == job_id))
        ]
    published = job.status == "succeeded"
    assert {row.status for row in made} == {"ready" if published else "pending"}
    for row in made:
        assert (row.blob_id is not None) == published
        if published:
            BlobStore(db).verify(str(row.blob_id))
    return published


@pytest.mark.parametrize("kind", ["ticket", "adapter"])
def test_a_kill_at_any_statement_publishes_all_or_nothing_and_once(db: Database, kind: str) -> None:
    job = make_ticket(db)[2] if kind == "ticket" else make_adapter(db)[1]
    publish: Callable[[Database, Claim], object] = finish_ticket if kind == "ticket" else finish_adapter
    for step in itertools.count():
        ended = publish_killed_at(db, publish, step)
        published = all_or_nothing(db, job.id)
        assert published or not ended
        if published:
            break
        with db.write() as session:
            assert take_back_all(session, max_attempts=1000) == [job.id]
    assert step > 20
    with db.read() as session:
        versions = session.scalars(select(LanguageVersion.last_version)).all()
        assert versions == ([1] if kind == "adapter" else [])
    store = BlobStore(db)
    while store.collect_garbage():
        pass
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Blob).where(Blob.status != "ready")) == 0
