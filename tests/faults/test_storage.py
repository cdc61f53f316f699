"""Cases 11 and 14 on Postgres: no room for work files, or for contents; the same request to two replicas at once."""

from __future__ import annotations

import os
import pwd
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from support.running_service import Service, refused, running, settings_for, wait_until
from support.servers import Postgres
from support.service_processes import Stack, wait_for

from app.storage.database import Database
from app.storage.models import BlobRow, IdempotencyKeyRow, JobRow

pytestmark = pytest.mark.process

TICKET = {"corpus": {"texts": ["One line.", "Another line."]}, "mlm": {"epochs": 1}}
LITTLE = 4096
"""Bytes a file of the job may still grow to: less than any checkpoint."""


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as made:
        yield made


def test_case_11_a_full_work_dir_fails_the_job_at_its_checkpoint_and_is_emptied(
    url: str, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(database_url=url)
    runner = stack.runner()
    job = stack.submit_ticket(epochs=1000, batch_size=1)
    stack.reached(job, "training")
    stack.one("job").rlimit(psutil.RLIMIT_FSIZE, (LITTLE, resource.RLIM_INFINITY))
    (ended,) = stack.finish(job)
    assert (ended.status, ended.error_code, ended.attempt) == ("failed", "storage_full", 1)
    assert ended.step < ended.total, "it was a checkpoint that did not fit, not the result"
    assert stack.made(job).status == "failed"
    wait_for(lambda: not (stack.settings.work / job.id).exists(), timeout_s=10, message="work files were left")
    with stack.db.read() as session:
        assert session.scalar(select(func.count()).select_from(BlobRow).where(BlobRow.job_id == job.id)) == 0
    assert stack.finish(stack.submit_ticket(epochs=1))[0].status == "succeeded"
    assert runner.poll() is None


@pytest.fixture
def small_disk(postgres: Postgres) -> Iterator[str]:
    """A database whose contents lie on a disk of a few MiB; only root can make one."""
    user = postgres._server.system_user
    with tempfile.TemporaryDirectory(prefix="ltp-disk-") as folder:
        owner = os.getuid() if user is None else pwd.getpwnam(user).pw_uid
        mount = ["mount", "-t", "tmpfs", "-o", f"size=4m,mode=700,uid={owner}", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a disk of a few MiB takes the right to mount one")
        try:
            with postgres.database() as url:
                postgres._execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
                yield url
            postgres._execute("DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", folder], check=True)


def test_case_11_a_full_disk_of_postgres_fails_the_job_and_the_next_one_finds_room(
    small_disk: str, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(database_url=small_disk)
    with stack.db.write() as session:
        session.execute(text("ALTER TABLE blob_chunks SET TABLESPACE small"))
        session.execute(text("CREATE TABLE filler (data text) TABLESPACE small"))
    runner = stack.runner()
    job = stack.submit_ticket(epochs=30)
    stack.reached(job, "training")

    def fill() -> None:
        while True:
            with stack.db.write() as session:
                session.execute(text("INSERT INTO filler SELECT repeat('x', 1500) FROM generate_series(1, 50)"))

    with pytest.raises(OperationalError, match="No space left"):
        fill()
    (ended,) = stack.finish(job)
    assert (ended.status, ended.error_code, ended.attempt) == ("failed", "storage_full", 1)
    assert stack.made(job).status == "failed"
    with stack.db.write() as session:
        session.execute(text("DROP TABLE filler"))
    assert stack.finish(stack.submit_ticket(epochs=1))[0].status == "succeeded"
    assert runner.poll() is None

    def reclaimed() -> bool:
        with stack.db.read() as session:
            return session.scalar(select(func.count()).select_from(BlobRow).where(BlobRow.job_id == job.id)) == 0

    wait_for(reclaimed, timeout_s=10, message="what was staged was not deleted")


@pytest.fixture
def replicas(url: str, tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[list[Service]]:
    """Two applications on one database, as behind a load balancer."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                running(settings_for(tmp_path / name, migrated_sqlite, tiny_backbone_dir, database_url=url))
            )
            for name in ("first", "second")
        ]
        for service in started:
            wait_until(lambda service=service: service.http.get("/backbone").status_code == 200, 60)
        yield started


def test_case_14_twins_sent_to_two_replicas_make_one_job(replicas: list[Service], url: str) -> None:
    trials = 20

    def send(number: int) -> httpx.Response:
        headers = {"Idempotency-Key": f"twins-{number % trials}"}
        return replicas[number // trials % 2].http.post("/tickets", json=TICKET, headers=headers)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(4 * trials)))
    assert {answer.status_code for answer in answers} == {202}
    made = [{answer.json()["job"]["id"] for answer in answers[key::trials]} for key in range(trials)]
    assert all(len(ids) == 1 for ids in made)
    headers = {"Idempotency-Key": "twins-0"}
    other = replicas[1].http.post("/tickets", json={**TICKET, "name": "x"}, headers=headers)
    refused(other, 422, "idempotency_conflict")
    db = Database(url)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(JobRow)) == trials
        assert session.scalar(select(func.count()).select_from(IdempotencyKeyRow)) == trials
    db.close()
