"""An attempt that lost its lease is discarded in silence, even when a fault of its own ended it."""

from __future__ import annotations

from pathlib import Path

from support.registry_rows import make_adapter, reap, take

from app.settings import Settings
from app.storage.database import Database
from app.storage.models import JobRow
from worker.job import DISCARDED, attempt_job


def test_a_late_fault_is_not_recorded(db: Database, tmp_path: Path) -> None:
    _, job = make_adapter(db)
    late = take(db, lease_s=-1)
    assert reap(db) == [job.id]
    take(db, owner="another")
    occupied = tmp_path / "work"
    occupied.write_text("no folder can be made here")
    settings = Settings(_env_file=None, data_dir=tmp_path, work_dir=occupied)  # type: ignore[call-arg]
    assert attempt_job(settings, db, late) == DISCARDED
    with db.read() as session:
        now = session.get_one(JobRow, job.id)
    assert (now.status, now.attempt, now.owner, now.error_code) == ("running", 2, "another", None)
