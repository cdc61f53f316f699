"""Clocks that are set, and hosts that pause, while a job runs: no attempt is lost, and the dead are still noticed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.deployment import Deployment
from support.servers import Postgres, Redis
from support.service_processes import Stack, kill, wait_for
from support.skewed_clock import SkewedClock

from app.storage.models import JobRow
from app.storage.table import now

pytestmark = [pytest.mark.process, pytest.mark.slow]

LEASE_S, SWEEP_S = 3.0, 0.5
STALL_S = 15.0
"""Longer than a job takes to start on a busy machine."""
WAITING = {"lease_s": LEASE_S, "heartbeat_s": 0.5, "sweep_s": SWEEP_S, "max_attempts": 100}


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path, postgres: Postgres, redis: Redis
) -> Iterator[Deployment]:
    """Two workers; an attempt may be lost before the trials begin, on a machine that is busy."""
    with postgres.database() as url:
        skewed = SkewedClock(url)
        redis.flush()
        directory = tmp_path_factory.mktemp("clocks")
        running = Deployment(directory, tiny_backbone_dir, database_url=url, redis=redis, **WAITING)
        for _ in range(2):
            running.worker()
        running.clock = skewed  # type: ignore[attr-defined]
        yield running
        running.close()
        skewed.close()
        assert running.processes() == []


@pytest.fixture
def clock(deployment: Deployment) -> Iterator[SkewedClock]:
    yield deployment.clock  # type: ignore[attr-defined]
    deployment.clock.set_ahead(0)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def job(deployment: Deployment) -> JobRow:
    return training(deployment)


def training(stack: Stack) -> JobRow:
    """A job that trains for longer than the tests take."""
    job = stack.submit_ticket(epochs=1000, batch_size=1)
    return stack.reached(job, "training", step=1, timeout_s=150)


def goes_on(stack: Stack, before: JobRow, *, for_s: float) -> JobRow:
    """The job some time later: it is in the same attempt, and further."""
    step = stack.job(before.id).step
    time.sleep(for_s)
    wait_for(lambda: stack.job(before.id).step > step or stack.job(before.id).attempt != before.attempt)
    later = stack.job(before.id)
    assert (later.status, later.attempt) == ("running", before.attempt), stack.logs(before)
    return later


def test_a_database_clock_that_jumps_takes_no_job_away(deployment: Deployment, clock: SkewedClock, job: JobRow) -> None:
    before = deployment.job(job.id)
    for hours in (2, 0, -2, 0):
        clock.set_ahead(hours)
        goes_on(deployment, before, for_s=LEASE_S)
        with deployment.db.read() as session:
            ahead = now(session).timestamp() - time.time()
        assert abs(ahead - 3600 * hours) < 60, "the service did not see the clock jump"


def test_workers_that_were_all_paused_keep_their_jobs(deployment: Deployment, job: JobRow) -> None:
    before = deployment.job(job.id)
    for _ in range(2):
        paused(deployment, for_s=1.5 * LEASE_S)
        goes_on(deployment, before, for_s=3 * SWEEP_S)


def test_a_worker_that_dies_while_the_clock_is_set_back_is_noticed(
    deployment: Deployment, clock: SkewedClock, job: JobRow
) -> None:
    before = deployment.job(job.id)
    worker = psutil.Process(deployment.one("job").ppid())
    clock.set_ahead(-2)
    kill(worker)
    began = time.monotonic()
    wait_for(lambda: deployment.job(job.id).attempt > before.attempt, message="the dead worker was not noticed")
    assert time.monotonic() - began < 2 * LEASE_S + 4 * SWEEP_S + 10


def test_pauses_longer_than_a_stall_are_no_stall(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(stall_s=STALL_S, max_attempts=100)
    stack.serve()
    job = training(stack)
    for _ in range(2):
        paused(stack, for_s=STALL_S + 1)
        goes_on(stack, job, for_s=1)


def paused(stack: Stack, *, for_s: float) -> None:
    """Stop every process of the service for a while, and let them go on in any order."""
    processes = stack.processes()
    for process in processes:
        kill(process, signal.SIGSTOP)
    time.sleep(for_s)
    random.shuffle(processes)
    for process in processes:
        kill(process, signal.SIGCONT)
