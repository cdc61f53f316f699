"""Processes that train a drift together: one that is lost ends all, with a word on which, and none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from support.needs import PROCESS, needs
from support.running_service import LINES
from support.service_processes import Stack, is_gone, kill, wait_for

from app.settings import Settings
from ltp.backbone.load import Backbone
from ltp.config import MLMConfig
from ltp.drift.train import train_drift
from ltp.errors import TrainingCancelled
from ltp.progress import Progress, ProgressCallback
from worker.rank_task import RankTask
from worker.ranks import RankLost, joined_ranks

pytestmark = [pytest.mark.slow, pytest.mark.process]
CONFIG = MLMConfig(epochs=40, batch_size=8)


def helpers() -> list[psutil.Process]:
    """Processes of further ranks that this one has started."""
    return [child for child in psutil.Process().children() if "worker.rank" in child.cmdline()]


def train(folder: Path, backbone: Backbone, progress: ProgressCallback, *, fingerprint: str = "") -> None:
    """Train on two shares of the processor, the second asked to do so with the backbone of that fingerprint."""
    settings = Settings(_env_file=None, data_dir=folder, backbone=str(backbone.info.directory), threads=1)  # type: ignore[call-arg]
    task = RankTask(
        backbone=fingerprint or backbone.info.fingerprint,
        lines=LINES,
        strategy="decoupled",
        mlm=asdict(CONFIG),
        devices=["cpu", "cpu"],
        threads=1,
    )
    told: list[str] = []
    try:
        with joined_ranks(task, folder, settings=settings, report=progress, tell=told.append) as ranks:
            train_drift(backbone, LINES, strategy="decoupled", config=CONFIG, progress=progress, ranks=ranks)
    finally:
        assert helpers() == []
        assert told == []  # only a process that cannot notice is ended from outside


def at_step(step: int, do: Callable[[], object]) -> ProgressCallback:
    def progress(told: Progress) -> None:
        if told.phase == "training" and told.step == step:
            do()

    return progress


def test_a_rank_that_cannot_begin_says_why(tiny_backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(RankLost, match=r"^rank 1, on cpu, failed: BackboneMismatch: .*beef"):
        train(tmp_path, tiny_backbone, lambda _: None, fingerprint="beef" * 16)


def test_a_rank_that_is_killed_ends_the_run(tiny_backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(RankLost, match=r"^rank 1, on cpu, is gone: its process was ended by SIGKILL"):
        train(tmp_path, tiny_backbone, at_step(3, lambda: kill(*helpers())))


def test_cancelling_ends_a_rank_that_is_not_ready_yet(tiny_backbone: Backbone, tmp_path: Path) -> None:
    seen: list[psutil.Process] = []

    def cancel(told: Progress) -> None:
        assert told.phase == "backbone"
        seen.extend(helpers())
        raise TrainingCancelled

    with pytest.raises(TrainingCancelled):
        train(tmp_path, tiny_backbone, cancel)
    assert [is_gone(process) for process in seen] == [True]


@pytest.fixture
@needs(PROCESS)
def stack(tmp_path: Path, tiny_backbone_dir: Path) -> Iterator[Stack]:
    """A data directory whose worker has two shares of the processor."""
    made = Stack(tmp_path / "data", tiny_backbone_dir, devices="cpu,cpu", threads=2).migrate()
    yield made
    made.close()
    assert made.processes() == []


def ranks_of(stack: Stack) -> list[psutil.Process]:
    return [process for process in stack.processes() if "worker.rank" in process.cmdline()]


def test_a_worker_trains_a_drift_on_its_devices_and_no_rank_outlives_its_job(stack: Stack) -> None:
    stack.runner()
    job = stack.submit_ticket()
    (rank,) = wait_for(lambda: ranks_of(stack), timeout_s=120)
    kill(stack.one("job"))
    wait_for(lambda: is_gone(rank), timeout_s=5, message="the rank outlived the job's process")
    (done,) = stack.finish(job, timeout_s=240)
    assert (done.status, done.attempt) == ("succeeded", 2), done.error_detail
    assert stack.logs(job).count("training on 2 devices together: cpu, cpu") == 2
    assert ranks_of(stack) == []
    assert stack.workers() == 2
