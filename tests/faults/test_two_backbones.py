"""Workers with different backbones on one queue: each job is done by one that can, and waits while there is none."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from support.service_processes import Stack, wait_for
from support.tiny_backbone import write_tiny

from app.storage.models import JobRow, WorkerRow
from ltp.backbone.manifest import read_manifest

pytestmark = pytest.mark.process


def others(directory: Path) -> Path:
    return write_tiny(directory / "other", seed=7)


def runner_with(stack: Stack, backbone: Path) -> None:
    """Start a runner that has another backbone than the service."""
    mine = stack.settings
    stack.settings = mine.model_copy(update={"backbone": str(backbone)})
    try:
        stack.runner()
    finally:
        stack.settings = mine


def backbones(stack: Stack) -> set[str]:
    with stack.db.read() as session:
        return set(filter(None, session.scalars(select(WorkerRow.backbone))))


def test_a_worker_with_another_backbone_leaves_jobs_to_one_that_has_theirs(
    make_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = make_stack()
    other = others(tmp_path)
    runner_with(stack, other)
    jobs = [stack.submit_ticket(epochs=1), stack.submit_adapter(epochs=1)]
    wait_for(lambda: backbones(stack) == {read_manifest(other).fingerprint}, message="the worker did not show up")
    time.sleep(10 * stack.settings.poll_s)
    assert [(stack.job(job.id).status, stack.job(job.id).attempt) for job in jobs] == 2 * [("queued", 0)]
    stack.runner()
    assert [(job.status, job.attempt) for job in stack.finish(*jobs)] == 2 * [("succeeded", 1)]
    more = [stack.submit_adapter(epochs=1), stack.submit_prediction(rows=3), stack.submit_ticket(epochs=1)]
    assert {job.status for job in stack.finish(*more)} == {"succeeded"}


def test_a_worker_whose_backbone_is_replaced_hands_over_to_none(
    make_stack: Callable[..., Stack], tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    """Whatever it knew at its start: the folder is looked at before each job."""
    folder = Path(shutil.copytree(tiny_backbone_dir, tmp_path / "folder"))
    stack = make_stack()
    runner_with(stack, folder)
    (first,) = stack.finish(stack.submit_adapter(epochs=1))
    assert first.status == "succeeded"
    for path in others(tmp_path).iterdir():
        shutil.copyfile(path, folder / path.name)
    job: JobRow = stack.submit_adapter(epochs=1)
    time.sleep(10 * stack.settings.poll_s)
    wait_for(lambda: stack.processes("job") == [], message="a job is executed")
    assert (stack.job(job.id).status, stack.job(job.id).attempt) == ("queued", 0)
