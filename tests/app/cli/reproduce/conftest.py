"""A service with a worker of its own, and made-up benchmarks to send to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.benchmarks import write_data
from support.needs import PROCESS, needs
from support.running_service import Service, running, settings_for

from app import jobs


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the shape of the real one."""
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
@needs(PROCESS)
def empty_service(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A ready service with an empty registry, of which a worker was heard."""
    with running(settings_for(tmp_path / "service", migrated_sqlite, tiny_backbone_dir)) as started:
        started.wait_ready()
        with started.app.state.db.write() as session:
            jobs.see_worker(session, worker_id="w-1", host="here", device="cpu", job_id=None)
        yield started


@pytest.fixture
def working(empty_service: Service) -> Iterator[Service]:
    """The service while its jobs are being done."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.02):
            empty_service.work()

    thread = threading.Thread(target=work)
    thread.start()
    yield empty_service
    done.set()
    thread.join(60)
