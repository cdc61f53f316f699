"""Two runners on one database, as on two machines: leases move, stale work is refused, shutting down costs nothing."""

from __future__ import annotations

import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress

import psutil
import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from support.service_processes import Stack, is_gone, kill, wait_for

from app.storage.models import BlobChunkRow, BlobRow, JobEventRow, TicketRow

pytestmark = pytest.mark.process

STALL_S = 15
"""Importing torch on a busy machine must not count as silence."""


def freeze(stack: Stack, *processes: psutil.Process) -> None:
    """Stop processes between two transactions: SQLite has one lock, and a frozen writer would keep it."""
    path = str(make_url(stack.settings.database).database)
    while True:
        for process in processes:
            kill(process, signal.SIGSTOP)
        with closing(sqlite3.connect(path, timeout=1)) as probe, suppress(sqlite3.OperationalError):
            probe.execute("BEGIN IMMEDIATE")
            return
        for process in processes:
            kill(process, signal.SIGCONT)


def test_a_frozen_runner_loses_its_job_and_its_late_result_is_refused(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    first = stack.runner()
    job = stack.submit_ticket(epochs=80)
    stack.reached(job, "training")
    stale = stack.one("job")
    freeze(stack, stale, psutil.Process(first.pid))
    second = stack.runner()
    taken = wait_for(
        lambda: stack.job(job.id).attempt == 2 and stack.job(job.id), message="no worker took the job over"
    )
    assert taken.attempt == 2
    kill(stale, signal.SIGCONT)  # its training goes on, and its runner is still frozen
    (ended,) = stack.finish(job)
    assert (ended.status, ended.attempt) == ("succeeded", 2)
    psutil.wait_procs([stale], timeout=30)
    assert is_gone(stale)
    kill(psutil.Process(first.pid), signal.SIGCONT)
    wait_for(lambda: stack.workers() == 2, message="the runner that was frozen did not come back")
    assert (first.poll(), second.poll()) == (None, None)
    with stack.db.read() as session:
        assert session.scalar(select(func.count()).where(JobEventRow.job_id == job.id, JobEventRow.kind == "done")) == 1
        assert session.scalar(select(func.count()).select_from(TicketRow).where(TicketRow.status == "ready")) == 1


def test_a_runner_that_is_told_to_leave_hands_its_job_back_at_once(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(lease_s=600, heartbeat_s=1)
    first = stack.runner()
    job = stack.submit_ticket(epochs=80)
    stack.reached(job, "training", step=60)
    process = stack.one("job")
    first.terminate()
    assert first.wait(timeout=5) == 0
    assert not process.is_running()
    waiting = stack.job(job.id)
    assert (waiting.status, waiting.attempt) == ("queued", 0)
    assert stack.workers() == 0
    stack.runner()
    (ended,) = stack.finish(job)
    assert (ended.status, ended.attempt) == ("succeeded", 1)
    assert "resuming" in stack.logs(job)


def test_a_frozen_job_is_noticed_killed_and_tried_again(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(stall_s=STALL_S, max_attempts=100)
    stack.runner()
    job = stack.submit_ticket(epochs=80)
    stack.reached(job, "training", step=20)
    frozen, before = stack.one("job"), stack.job(job.id).attempt
    kill(frozen, signal.SIGSTOP)
    psutil.wait_procs([frozen], timeout=STALL_S + 10)
    assert not frozen.is_running()
    (ended,) = stack.finish(job)
    assert ended.status == "succeeded"
    assert ended.attempt > before
    assert "stalled" in stack.logs(job)


def test_a_job_that_takes_too_long_is_ended_and_says_so(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(job_timeout_s=0.5, max_attempts=2)
    stack.runner()
    (ended,) = stack.finish(stack.submit_ticket(epochs=1000))
    assert (ended.status, ended.error_code, ended.attempt) == ("failed", "timeout", 2)


def test_a_full_disk_fails_the_job_and_leaves_nothing_half_published(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    runner = stack.runner()
    size = max(path.stat().st_size for path in stack.settings.data_dir.glob("ltp.sqlite3*"))
    # files of the job's process, its database among them, can grow by little; the runner itself has room
    job = stack.submit_ticket(epochs=10)
    process = stack.one("job")
    process.rlimit(psutil.RLIMIT_FSIZE, (size + 65536, resource.RLIM_INFINITY))
    (ended,) = stack.finish(job)
    assert (ended.status, ended.error_code) == ("failed", "storage_full")
    assert stack.made(job).status == "failed"

    def reclaimed() -> bool:
        with stack.db.read() as session:
            orphans = select(func.count()).select_from(BlobRow).where(BlobRow.job_id == job.id)
            return session.scalar(orphans) == 0

    wait_for(reclaimed, timeout_s=10, message="what was staged was not deleted")
    with stack.db.read() as session:
        assert session.scalar(select(func.count()).where(BlobChunkRow.blob_id.not_in(select(BlobRow.id)))) == 0
    assert stack.finish(stack.submit_ticket(epochs=1))[0].status == "succeeded"
    assert runner.poll() is None
