"""Jobs that are killed, frozen, cancelled or hopeless while they really train: each ends as promised, and once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select, update
from support.service_processes import TENANT, Stack, kill, wait_for

from app import jobs
from app.errors import CorruptBlob, JobFinished
from app.storage.blobs import BlobStore
from app.storage.models import AdapterRow, BlobChunkRow, BlobRow, DatasetRow, DriftRow, JobEventRow, JobRow, TicketRow

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Iterator[Stack]:
    """One data directory with a supervised runner for all tests of this file."""
    running = Stack(tmp_path_factory.mktemp("lifecycle"), tiny_backbone_dir, max_attempts=3).migrate()
    with running.supervised():
        yield running
    running.close()
    assert running.processes() == []


def cancel(stack: Stack, job: JobRow) -> JobRow:
    with stack.db.write() as session:
        return jobs.cancel(session, tenant=TENANT, job_id=job.id)


def ended_once(stack: Stack, job: JobRow) -> bool:
    with stack.db.read() as session:
        done = select(func.count()).where(JobEventRow.job_id == job.id, JobEventRow.kind == "done")
        return session.scalar(done) == 1


def published(stack: Stack, job: JobRow) -> TicketRow:
    """The ticket of a job that must have succeeded, whole, with its drift."""
    assert job.status == "succeeded", (job.error_code, job.error_detail)
    assert ended_once(stack, job)
    ticket: TicketRow = stack.made(job)
    with stack.db.read() as session:
        drift = session.get_one(DriftRow, ticket.drift_id)
    assert (ticket.status, drift.status) == ("ready", "ready")
    for blob_id in (ticket.blob_id, drift.blob_id):
        BlobStore(stack.db).verify(str(blob_id))
    wait_for(lambda: not (stack.settings.work / job.id).exists(), timeout_s=5, message="work files were not removed")
    return ticket


def content(stack: Stack, job: JobRow) -> str:
    """The hash of the adapter's file, which is whole."""
    adapter: AdapterRow = stack.made(job)
    BlobStore(stack.db).verify(str(adapter.blob_id))
    with stack.db.read() as session:
        digest = session.get_one(BlobRow, adapter.blob_id).sha256
    assert digest is not None
    return digest


def kill_in_training(stack: Stack, job: JobRow, victim: str, *, attempt: int) -> list[psutil.Process]:
    """Kill the job's process or the runner; return every process that must be gone now."""
    stack.reached(job, "training", step=60 * attempt, attempt=attempt)
    doomed = stack.processes("job") + (stack.processes("runner") if victim == "runner" else [])
    kill(stack.one("job" if victim == "job" else "runner"))
    return doomed


def kill_until_over(stack: Stack, job: JobRow, *, attempt: int) -> None:
    """Kill whatever process the attempt has until it is over: a single kill may hit one that is ending anyway."""
    wait_for(lambda: stack.job(job.id).attempt == attempt, message=f"attempt {attempt} did not begin")

    def over() -> bool:
        now = stack.job(job.id)
        if now.attempt != attempt or now.status != "running":
            return True
        for process in stack.processes("job"):
            kill(process)
        return False

    wait_for(over, message=f"attempt {attempt} did not end")


def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_bits(stack: Stack) -> None:
    whole = published(stack, stack.finish(stack.submit_ticket(number=77, epochs=90))[0])
    job = stack.submit_ticket(number=77, epochs=90)
    for attempt, victim in enumerate(("job", "runner"), start=1):
        doomed = kill_in_training(stack, job, victim, attempt=attempt)
        _, alive = psutil.wait_procs(doomed, timeout=5)
        assert alive == []
    (ended,) = stack.finish(job)
    assert ended.attempt == 3
    assert "attempt 2: resuming" in stack.logs(job)
    assert published(stack, ended).mask_sha256 == whole.mask_sha256


def test_a_killed_training_of_prompt_and_every_parameter_goes_on_to_the_same_file(stack: Stack) -> None:
    (whole,) = stack.finish(stack.submit_adapter(method="mp", number=78, epochs=60))
    job = stack.submit_adapter(method="mp", number=78, epochs=60)
    doomed = kill_in_training(stack, job, "job", attempt=1)
    _, alive = psutil.wait_procs(doomed, timeout=5)
    assert alive == []
    (ended,) = stack.finish(job)
    assert (whole.status, ended.status, ended.attempt) == ("succeeded", "succeeded", 2)
    assert ended_once(stack, ended)
    assert "attempt 2: resuming" in stack.logs(job)
    assert content(stack, ended) == content(stack, whole)


def test_a_job_that_is_killed_every_time_fails_with_the_reason_and_the_queue_moves_on(stack: Stack) -> None:
    job = stack.submit_ticket(epochs=1000, batch_size=1)
    waiting = stack.submit_ticket(epochs=1)
    for attempt in (1, 2, 3):
        kill_until_over(stack, job, attempt=attempt)
    failed, other = stack.finish(job, waiting)
    assert (failed.status, failed.error_code, failed.attempt) == ("failed", "worker_lost", 3)
    assert "SIGKILL" in (failed.error_detail or "")
    assert stack.made(job).status == "failed"
    assert ended_once(stack, job)
    published(stack, other)


def test_cancelling_stops_the_process_and_frees_the_runner(stack: Stack) -> None:
    job, queued = stack.submit_ticket(epochs=1000, batch_size=1), stack.submit_ticket(epochs=1000, batch_size=1)
    stack.reached(job, "training")
    process = stack.one("job")
    assert cancel(stack, queued).status == "cancelled"
    assert cancel(stack, job).status == "running"
    asked = time.monotonic()
    psutil.wait_procs([process], timeout=10)
    assert time.monotonic() - asked < 5
    for ended in stack.finish(job, queued):
        assert ended.status == stack.made(ended).status == "cancelled"
        assert ended_once(stack, ended)
        with pytest.raises(JobFinished):
            cancel(stack, ended)
    assert not (stack.settings.work / job.id).exists()


def test_bad_data_fails_at_once_with_its_own_code(stack: Stack) -> None:
    first_in_line = stack.submit_ticket(epochs=1000, batch_size=1)
    mismatched, corrupt = stack.submit_ticket(), stack.submit_adapter()
    with stack.db.write() as session:
        session.execute(update(DriftRow).where(DriftRow.job_id == mismatched.id).values(backbone="0" * 64))
        dataset = session.get_one(DatasetRow, session.get_one(AdapterRow, corrupt.resource_id).dataset_id)
        session.execute(update(BlobChunkRow).where(BlobChunkRow.blob_id == dataset.blob_id).values(data=b"flipped"))
    cancel(stack, first_in_line)
    first, second = stack.finish(mismatched, corrupt)
    assert (first.status, first.error_code, first.attempt) == ("failed", "backbone_mismatch", 1)
    assert (second.status, second.error_code, second.attempt) == ("failed", "corrupt_blob", 1)
    with pytest.raises(CorruptBlob):
        BlobStore(stack.db).read(dataset.blob_id)


def test_the_whole_chain_leaves_nothing_but_what_was_published(stack: Stack) -> None:
    ticket = published(stack, stack.finish(stack.submit_ticket())[0])
    second, adapter = stack.finish(
        stack.submit_ticket(drift_id=ticket.drift_id), stack.submit_adapter(lang="ur", ticket_id=ticket.id)
    )
    published(stack, second)
    assert stack.made(adapter).version == 1
    (prediction,) = stack.finish(stack.submit_prediction(lang="ur", rows=30))
    made = stack.made(prediction)
    result = BlobStore(stack.db).read(made.result_blob_id).decode().splitlines()
    assert result[0] == "premise,hypothesis,label,entailment,neutral,contradiction,answered_by,fallback,truncated"
    assert len(result) == 31
    assert made.summary["pairs"] == sum(made.summary["labels"].values()) == 30

    def nothing_left() -> bool:
        with stack.db.read() as session:
            staged = session.scalar(select(func.count()).select_from(BlobRow).where(BlobRow.status == "staging"))
        return staged == 0 and not list(stack.settings.work.iterdir())

    wait_for(nothing_left, timeout_s=10, message="staged blobs or work files were left")
