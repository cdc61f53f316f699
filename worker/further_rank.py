"""A process that trains a drift with a job's, on one of several devices.

The job's own process is rank 0. This one computes its share of every batch and has no result: no progress, no
checkpoint, no database.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from app.process import HeapTrimmer, be_first_to_go, begin_startup, end_startup, limit_memory
from app.settings import Settings
from app.storage.private import keep_private
from app.telemetry import log_setup
from ltp import atomic_file
from ltp.backbone.locate import resolve
from ltp.compute.device import choose_device
from ltp.errors import BackboneMismatch
from ltp.progress import Progress
from worker.no_memory import is_out_of_memory
from worker.rank_task import MEETING, Failure, RankTask, failure, ready

log = structlog.get_logger(__name__)


def main(folder: Path, number: int) -> int:
    """Help until the drift of the folder's task is trained; return the process's exit code."""
    be_first_to_go()  # its niceness is that of the process that started it
    settings, task = Settings(), RankTask.read(folder)
    if settings.job_memory_mb and task.devices[number] == "cpu":
        limit_memory(settings.job_memory_mb)
    log_setup.configure(settings)
    keep_private()
    try:
        _help(settings, task, folder, number)
    except Exception as error:  # whatever it is, rank 0 tells the job's row
        log.exception("rank failed", rank=number, device=task.devices[number])
        told = Failure(what=f"{type(error).__name__}: {error}", out_of_memory=is_out_of_memory(error))
        atomic_file.write_text(failure(folder, number), told.model_dump_json())
        return 1
    return 0


def _help(settings: Settings, task: RankTask, folder: Path, number: int) -> None:
    info = resolve(settings.backbone, cache_dir=settings.backbone_dir)
    if info.fingerprint != task.backbone:
        raise BackboneMismatch(artefact=task.backbone, backbone=info.fingerprint)
    begin_startup()
    import torch

    from ltp.backbone.load import load_backbone
    from ltp.compute.ranks import joined
    from ltp.drift.train import help_train_drift

    end_startup()
    if task.threads:
        torch.set_num_threads(task.threads)
    device = choose_device(task.devices[number])
    backbone, heap = load_backbone(info, device=device), HeapTrimmer()

    def trim(_: Progress) -> None:
        heap.trim_if_due()

    ready(folder, number).touch()
    with joined(folder / MEETING, number=number, size=len(task.devices), device=device) as ranks:
        help_train_drift(
            backbone,
            task.lines,
            strategy=task.strategy,
            config=task.config,
            device=device,
            ranks=ranks,
            progress=trim,
        )
