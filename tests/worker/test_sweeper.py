"""What a sweep removes of files that nobody will ask for any more."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.registry_rows import make_adapter, take
from support.servers import Postgres, running_postgres

from app import jobs
from app.settings import Settings
from app.storage.database import Database
from app.storage.spool import Spool
from worker.sweeper import Sweeper

DAY_S = 86_400


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


def left(work: Path, name: str, *, days: float) -> Path:
    """Work files of an attempt, as old as that."""
    folder = work / name
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "examples.jsonl").write_text("a text of somebody's")
    moment = time.time() - days * DAY_S
    for path in (folder / "1" / "examples.jsonl", folder / "1", folder):
        os.utime(path, (moment, moment))
    return folder


def test_work_files_of_jobs_that_no_table_knows_go_after_a_day(db: Database, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")  # type: ignore[call-arg]
    _, queued = make_adapter(db)
    _, running = make_adapter(db, lang="qu")
    take(db, job_id=running.id)
    _, over = make_adapter(db, lang="ay")
    with db.write() as session:
        jobs.cancel(session, tenant=over.tenant, job_id=over.id)
    unknown, young = str(uuid.uuid4()), str(uuid.uuid4())
    days = {queued.id: 9.0, running.id: 9.0, over.id: 0.0, unknown: 1.5, young: 0.5, "notes": 9.0}
    folders = {name: left(settings.work, name, days=age) for name, age in days.items()}

    Sweeper(settings, db, busy_with=lambda: None).remove_work_files()
    there = {name for name, folder in folders.items() if folder.exists()}
    assert there == {queued.id, running.id, young, "notes"}, "of the rest some is in use, or might be, or is not ours"


def test_a_checkpoint_that_is_still_written_keeps_its_folder(db: Database, tmp_path: Path) -> None:
    """A job of another database that shares the folder: what it writes is young, however old the folder is."""
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")  # type: ignore[call-arg]
    folder = left(settings.work, str(uuid.uuid4()), days=9)
    (folder / "1" / "checkpoint.safetensors").write_bytes(b"young")
    Sweeper(settings, db, busy_with=lambda: None).remove_work_files()
    assert folder.exists()


def test_uploads_that_a_process_holds_stay(db: Database, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")  # type: ignore[call-arg]
    with Spool(settings.spool, most=1 << 20).folder("one") as held:
        left(settings.spool, "ltp-upload-old", days=2)
        Sweeper(settings, db, busy_with=lambda: None).remove_spooled()
        assert list(settings.spool.iterdir()) == [held.path]
