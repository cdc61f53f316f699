"""What is wrong with a database is told in one sentence: by `examine`, and by `/readyz` of a real service."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from support.cli_process import run as cli
from support.running_service import LINES, Service, refused, running, settings_for, wait_until
from support.servers import Postgres

from app.storage.database import Database
from app.storage.health import SOUND, Condition, examine
from app.storage.schema import newest, revisions
from app.storage.sql_states import explain

pytestmark = pytest.mark.process


def run(db: Database, *statements: str) -> None:
    with db.write() as session:
        for statement in statements:
            session.execute(text(statement))


def test_the_revisions_are_those_that_alembic_finds(db: Database) -> None:
    script = ScriptDirectory.from_config(db.alembic())
    assert newest() == script.get_current_head()
    assert revisions() == {found.revision: found.down_revision for found in script.walk_revisions()}


def test_a_migrated_database_is_sound(db: Database) -> None:
    assert examine(db) == SOUND


def test_an_older_schema_a_newer_one_and_another_programs_are_told_apart(db: Database) -> None:
    run(db, "UPDATE alembic_version SET version_num = '0001'")
    older = examine(db)
    assert (older.usable, older.writable) == (False, True)
    assert older.sentence == f"the database's schema is '0001', and this program needs {newest()!r}; run `ltp migrate`"
    run(db, "UPDATE alembic_version SET version_num = '9999'")
    assert examine(db).usable, "migrations only add: processes of the version before go on"
    assert "update the program" in str(examine(db).sentence)
    run(db, "ALTER TABLE blob_chunks RENAME TO something_else")
    assert not examine(db).usable
    assert "another program's" in str(examine(db).sentence)


def test_a_database_without_tables_says_what_to_do(postgres: Postgres) -> None:
    with postgres.database(migrated=False) as url:
        db = Database(url)
        assert examine(db) == Condition("the database has no tables yet; run `ltp migrate`", usable=False)
        db.close()


@pytest.fixture
def unmigrated(postgres: Postgres, tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    with (
        postgres.database(migrated=False) as url,
        running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, database_url=url)) as service,
    ):
        wait_until(lambda: service.app.state.predictor.ready, 60)
        yield service


def test_an_api_without_tables_says_migrate_and_is_ready_once_that_is_done(unmigrated: Service) -> None:
    unready = refused(unmigrated.http.get("/readyz"), 503, "not_ready")
    assert unready["detail"] == "the database has no tables yet; run `ltp migrate`"
    for answer in (
        unmigrated.http.get("/jobs"),
        unmigrated.http.get("/adapters"),
        unmigrated.http.post("/tickets", json={"corpus": {"texts": LINES}}),
        unmigrated.http.post("/predict", json={"lang": "sw", "pairs": [{"premise": "a", "hypothesis": "b"}]}),
    ):
        assert "ltp migrate" in refused(answer, 503, "database_unavailable")["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
    unmigrated.app.state.db.migrate()
    unmigrated.wait_ready()
    assert unmigrated.http.get("/readyz").json()["database"] is None
    assert unmigrated.http.get("/jobs").status_code == 200


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def other_encoding(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[str]:
    with postgres.database(migrated=False, encoding=request.param) as url:
        yield url


def test_an_encoding_that_cannot_hold_every_language_is_refused(other_encoding: str) -> None:
    db = Database(other_encoding)
    found = examine(db)
    assert not found.usable
    assert re.match(
        r"the database's encoding is (LATIN1|SQL_ASCII), which cannot hold every language", found.sentence or ""
    )
    db.close()
    done = cli("migrate", database_url=other_encoding)
    assert done.code == 1
    assert "cannot hold every language" in done.err
    assert "Traceback" not in done.err


def test_a_newer_schema_is_not_migrated_and_not_served_by_an_older_program(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "ltp.sqlite3")
    db = Database(f"sqlite:///{tmp_path / 'ltp.sqlite3'}")
    run(db, "UPDATE alembic_version SET version_num = '9999'")
    db.close()
    for command in ("migrate", "serve"):
        done = cli(command, data_dir=str(tmp_path), port="0")
        assert done.code == 1
        assert "9999" in done.err
        assert "Traceback" not in done.err


def test_a_role_that_may_not_write_is_named(postgres: Postgres) -> None:
    with postgres.database() as url:
        owner = Database(url)
        run(owner, "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        reader = Database(make_url(url).set(username="reader").render_as_string())
        found = examine(reader)
        assert (found.usable, found.writable) == (False, False)
        assert "may not write" in str(found.sentence)
        with pytest.raises(OperationalError, match="permission denied") as refused:
            run(reader, "DELETE FROM jobs")
        assert "grant it" in str(explain(refused.value))
        reader.close()
        run(owner, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader", "DROP ROLE reader")
        owner.close()


def test_a_service_whose_database_is_read_only_for_a_while_says_so_and_takes_writes_again_by_itself(
    postgres: Postgres, tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    with postgres.database() as url, postgres.database() as elsewhere:
        changes = {"database_url": url}
        admin, name = Database(elsewhere), make_url(url).database
        others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **changes)) as service:
            service.wait_ready()
            service.train("sw", method="pt")
            run(admin, f"ALTER DATABASE {name} SET default_transaction_read_only = on", others)
            wait_until(lambda: "read-only" in str(service.http.get("/readyz").json().get("database")), 30)
            assert service.http.get("/readyz").status_code == 200, "predictions go on"
            refusal = service.http.post("/tickets", json={"corpus": {"texts": LINES}})
            assert "read-only" in refused(refusal, 503, "database_unavailable")["detail"]
            assert int(refusal.headers["Retry-After"]) >= 1
            assert service.http.get("/jobs").status_code == 200
            pair = {"premise": "the dog runs", "hypothesis": "the dog is red"}
            assert service.http.post("/predict", json={"lang": "sw", "pairs": [pair]}).status_code == 200
            with running(settings_for(tmp_path / "late", migrated_sqlite, tiny_backbone_dir, **changes)) as late:
                wait_until(lambda: late.app.state.predictor.ready, 60)
                unready = refused(late.http.get("/readyz"), 503, "not_ready")
                assert unready["detail"] == "the database is read-only for now", "it was never seen to take writes"
                run(admin, f"ALTER DATABASE {name} RESET default_transaction_read_only")
                late.wait_ready()
            wait_until(lambda: service.http.get("/readyz").json()["database"] is None, 30)
            assert service.http.post("/tickets", json={"corpus": {"texts": LINES}}).status_code == 202
        admin.close()
