"""A database that is away for a while: writes are tried again, and no runner loses a lease that it could not renew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from support.registry_rows import make_ticket, take

from app.settings import Settings
from app.storage.database import Database
from app.storage.models import JobRow
from app.storage.table import now
from worker.retry import retry_while_unreachable
from worker.sweeper import Sweeper


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database without tables, which is as good as none."""
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    yield database
    database.close()


def test_what_cannot_be_written_is_tried_until_it_can(empty: Database) -> None:
    tried = threading.Event()

    def write() -> str:
        tried.set()
        return make_ticket(empty)[2].id

    def arrive() -> None:
        tried.wait()
        empty.migrate()

    arriving = threading.Thread(target=arrive)
    arriving.start()
    job_id = retry_while_unreachable(write, for_s=60)
    arriving.join()
    assert take(empty).job_id == job_id


def test_patience_ends(empty: Database) -> None:
    tries = []

    def write() -> None:
        tries.append(len(tries))
        make_ticket(empty)

    with pytest.raises(OperationalError):
        retry_while_unreachable(write, for_s=0.05)
    assert len(tries) > 1


def test_what_is_no_outage_is_not_repeated(empty: Database) -> None:
    tries = []

    def write() -> None:
        tries.append(len(tries))
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        retry_while_unreachable(write, for_s=60)
    assert len(tries) == 1


def test_the_first_sweep_after_an_outage_takes_nothing_back(empty: Database, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    clock = [1000.0]
    sweeper = Sweeper(settings, empty, busy_with=lambda: None, clock=lambda: clock[0])
    with pytest.raises(OperationalError):
        sweeper.reap()
    empty.migrate()
    job_id = make_ticket(empty)[2].id
    take(empty)
    with empty.write() as session:
        session.execute(update(JobRow).values(lease_until=now(session) - timedelta(seconds=1)))

    def status() -> str:
        with empty.read() as session:
            return session.get_one(JobRow, job_id).status

    def rename(old: str, new: str) -> None:
        with empty.write() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    def sweep_until_taken_back() -> float:
        """Look every quarter of a lease; return for how long the job was left alone."""
        began = clock[0]
        while True:
            sweeper.reap()
            if status() == "queued":
                return clock[0] - began
            assert clock[0] - began <= settings.lease_s, "never taken back"
            clock[0] += settings.lease_s / 4

    clock[0] += 100 * settings.lease_s
    sweeper.reap()
    assert status() == "running"
    clock[0] += settings.lease_s / 4
    rename("jobs", "away")
    with pytest.raises(OperationalError):
        sweeper.reap()
    rename("away", "jobs")
    clock[0] += settings.lease_s / 4
    assert sweep_until_taken_back() == settings.lease_s / 2, "what was seen before the outage does not count"
