"""What a runner makes of the end of a job's process, by what the job's row says of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registry_rows import finish_ticket, make_ticket, take

from app import jobs
from app.settings import Settings
from app.storage.database import Database
from worker.end import End
from worker.runner import Runner

pytestmark = pytest.mark.process


@pytest.fixture
def runner(db: Database, tmp_path: Path) -> Iterator[Runner]:
    """A runner on the database of `db`, that looks after its lease all the time."""
    settings = Settings(_env_file=None, data_dir=tmp_path, heartbeat_s=0.1, lease_s=1)  # type: ignore[call-arg]
    made = Runner(settings)
    yield made
    made.db.close()


def test_a_process_that_leaves_after_publishing_has_not_lost_its_lease(runner: Runner, db: Database) -> None:
    job = make_ticket(db)[2]
    claim = take(db, owner=runner.id, job_id=job.id)
    finish_ticket(db, claim)
    leaving = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    assert runner._watch(leaving, claim) is End.EXITED
    assert leaving.poll() == 0


def test_a_job_that_another_attempt_has_is_lost_at_once(runner: Runner, db: Database) -> None:
    job = make_ticket(db)[2]
    claim = take(db, owner=runner.id, job_id=job.id)
    with db.write() as session:
        jobs.release(session, claim)
    take(db, owner="another", job_id=job.id)
    stays = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert runner._watch(stays, claim) is End.LEASE_LOST
        assert stays.poll() is None
    finally:
        stays.kill()
        stays.wait()
