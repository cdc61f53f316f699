"""Behind a real PgBouncer in transaction mode: with the setting all goes as without one; else a sentence says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from support.needs import POSTGRES, needs
from support.pgbouncer import running_pgbouncer
from support.registry_rows import make_ticket
from support.running_service import running, settings_for
from support.servers import Postgres

from app.settings import Settings
from app.storage.database import Database
from app.storage.health import SOUND, examine

pytestmark = [pytest.mark.process, pytest.mark.postgres]

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture(scope="module")
@needs(POSTGRES)
def pgbouncer(postgres: Postgres) -> Iterator[int]:
    with running_pgbouncer(postgres) as port:
        yield port


@pytest.fixture
def url(postgres: Postgres, pgbouncer: int) -> Iterator[str]:
    """A migrated database, by way of PgBouncer."""
    with postgres.database() as url:
        yield through(url, pgbouncer)


def through(url: str, port: int) -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/{make_url(url).database}"


def settings_of(url: str, directory: Path, pooler: str = "transaction") -> Settings:
    return Settings(_env_file=None, data_dir=directory, database_url=url, database_pooler=pooler)  # type: ignore[call-arg, arg-type]


def test_without_the_setting_it_is_refused_in_a_sentence(url: str, tmp_path: Path) -> None:
    db = Database(settings_of(url, tmp_path, "none").database)
    found = examine(db)
    db.close()
    assert not found.usable
    assert "set LTP_DATABASE_POOLER=transaction" in str(found.sentence)


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_one_that_drops_what_it_does_not_know_is_noticed(mode: str, postgres: Postgres, tmp_path: Path) -> None:
    with (
        postgres.database() as direct,
        running_pgbouncer(postgres, mode=mode, ignore_startup_parameters="options") as port,
    ):
        db = Database(settings_of(through(direct, port), tmp_path, "none").database)
        assert "set LTP_DATABASE_POOLER=transaction" in str(examine(db).sentence)
        db.close()
        pooled = Database(settings_of(through(direct, port), tmp_path).database)
        assert examine(pooled) == SOUND
        pooled.close()


def test_every_transaction_has_its_limits_and_leaves_none(url: str, pgbouncer: int, tmp_path: Path) -> None:
    db = Database(settings_of(url, tmp_path).database)
    for open_session in (db.read, db.write):
        with open_session() as session:
            assert [session.scalar(text(f"SHOW {name}")) for name in LIMITS] == ["30s", "10s", "30s"]
    with psycopg.connect(host="127.0.0.1", port=pgbouncer, user="postgres", dbname=make_url(url).database) as other:
        assert [other.execute(f"SHOW {name}").fetchone() for name in LIMITS] == [("0",)] * 3
    db.close()


def test_clients_that_share_connections_do_not_meet_each_others_statements(url: str, tmp_path: Path) -> None:
    databases = [Database(settings_of(url, tmp_path).database) for _ in range(4)]

    def work(number: int) -> None:
        for _ in range(12):  # a statement is prepared, where that is on, once it has come five times
            make_ticket(databases[number % 4])

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    with databases[0].read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 144
    for db in databases:
        db.close()


def test_a_database_is_migrated_through_it(postgres: Postgres, pgbouncer: int, tmp_path: Path) -> None:
    with postgres.database(migrated=False) as direct:
        db = Database(settings_of(through(direct, pgbouncer), tmp_path).database)
        db.migrate()
        assert examine(db) == SOUND
        db.close()


def test_a_service_trains_and_predicts_through_it(
    url: str, tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    changes = {"database_url": url, "database_pooler": "transaction"}
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **changes)) as service:
        service.wait_ready()
        service.train("sw", method="pt")
        pair = {"premise": "the dog runs", "hypothesis": "the dog is red"}

        def ask(number: int) -> int:
            path = "/jobs" if number % 2 else "/adapters"
            answers = service.http.post("/predict", json={"lang": "sw", "pairs": [pair]}), service.http.get(path)
            return max(answer.status_code for answer in answers)

        with ThreadPoolExecutor(12) as pool:
            assert set(pool.map(ask, range(120))) == {200}
