"""The database set-up: durable, foreign keys on, writers that queue instead of failing, one clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from support.registry_rows import make_adapter, make_ticket

from app.storage.database import Database
from app.storage.models import DatasetRow, JobRow, WorkerRow
from app.storage.table import new_id, now


def test_sqlite_keeps_what_it_acknowledged(db: Database) -> None:
    if db.engine.dialect.name != "sqlite":
        return
    with db.read() as session:
        pragmas = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "secure_delete": 1,
    }


def test_writers_that_read_first_wait_for_each_other(db: Database) -> None:
    job = make_ticket(db)[2]
    together = threading.Barrier(8)

    def count(_: int) -> None:
        together.wait()
        for _ in range(5):
            with db.write() as session:
                row = session.scalars(select(JobRow).where(JobRow.id == job.id).with_for_update()).one()
                row.step += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with db.read() as session:
        assert session.get_one(JobRow, job.id).step == 40


def test_a_reader_sees_the_past_while_a_writer_writes(db: Database) -> None:
    job = make_ticket(db)[2]
    with db.write() as writing:
        writing.get_one(JobRow, job.id).step = 7
        writing.flush()
        with db.read() as reading:
            assert reading.get_one(JobRow, job.id).step == 0


def test_an_error_undoes_the_whole_transaction(db: Database) -> None:
    job = make_ticket(db)[2]

    def fail_half_way() -> None:
        with db.write() as session:
            session.get_one(JobRow, job.id).step = 7
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with db.read() as session:
        assert session.get_one(JobRow, job.id).step == 0


def test_references_and_statuses_are_kept_by_the_database(db: Database) -> None:
    make_adapter(db)
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(text("DELETE FROM blobs"))
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(text("UPDATE jobs SET status = 'lost'"))
    with db.write() as session:
        session.execute(delete(DatasetRow))


def test_json_is_what_every_database_takes(db: Database) -> None:
    job = make_ticket(db)[2]
    with pytest.raises((StatementError, ValueError)), db.write() as session:
        session.get_one(JobRow, job.id).metrics = {"loss": float("nan")}
    with db.write() as session:
        session.get_one(JobRow, job.id).metrics = {"Wörter": "ñ 語", "none": None}
    with db.read() as session:
        assert session.get_one(JobRow, job.id).metrics == {"Wörter": "ñ 語", "none": None}


def test_time_is_the_databases_and_always_utc(db: Database) -> None:
    with db.write() as session:
        first = now(session)
        elsewhere = first.astimezone(timezone(timedelta(hours=9)))
        session.add(WorkerRow(id=new_id(), host="h", device="cpu", last_seen=elsewhere))
    with db.read() as session:
        assert session.scalars(select(WorkerRow.last_seen)).one() == first
        assert now(session) >= first
    assert first.tzinfo is UTC
    assert abs(datetime.now(UTC) - first) < timedelta(seconds=10)


def test_ids_sort_by_time() -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
