"""A database that is away for a while: writes are tried again, and no runner loses a lease that it could not renew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
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
    sweeper = Sweeper(Settings(_env_file=None, data_dir=tmp_path), empty, busy_with=lambda: None)
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

    sweeper.reap()
    assert status() == "running"
    sweeper.reap()
    assert status() == "queued"
