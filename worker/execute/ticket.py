"""Stage 1 as a job: an MLM run unless the drift is there already, then the selection; both published together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.registry import publish, tickets
from app.registry.drifts import MAGNITUDES
from app.storage.models import DatasetRow, TicketRow
from app.storage.models import DriftRow as DriftRow
from ltp.config import MLMConfig
from ltp.progress import Progress
from ltp.text.corpus import Corpus
from worker.context import JobContext
from worker.rank_task import RankTask
from worker.ranks import joined_ranks

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.compute.ranks import Ranks
    from ltp.drift.stored import Drift

FILE = "drift.safetensors"


def execute(context: JobContext) -> None:
    """Select the job's ticket and publish it, with its drift if that is new."""
    with context.db.read() as session:
        row = session.get_one(TicketRow, context.job.resource_id)
        drift_row = session.get_one(DriftRow, row.drift_id)
        dataset = session.get(DatasetRow, drift_row.dataset_id) if drift_row.dataset_id else None
    new = drift_row.status == "pending"
    drift, path = _measure(context, drift_row, dataset) if new else _fetch(context, drift_row)
    context.report(Progress("select", 0, 1))

    from ltp.ticket.selection import select

    with context.timings("select"):
        ticket = select(drift, tickets.config_of(row))
    context.report(Progress("select", 1, 1))

    plain = context.directory / "ticket.safetensors"
    ticket.save(plain)
    size = plain.stat().st_size
    with context.timings("publish"):
        drift_result = _stage(context, drift, path) if new else None
        blob_id = context.stage(tickets.compress(plain, plain.with_suffix(".zst")))
    staged = tickets.StagedTicket(
        blob_id=blob_id,
        mask_sha256=ticket.sha256,
        mask_bytes=size,
        figures=ticket.figures(),
    )
    context.publish(lambda session: publish.publish_ticket(session, context.claim, staged, drift=drift_result))


def _measure(context: JobContext, row: DriftRow, dataset: DatasetRow | None) -> tuple[Drift, Path]:
    """Run the MLM training, or take the drift that an interrupted attempt had already finished; with its file."""
    done = context.finished(FILE)
    if done is not None:
        from ltp.drift.stored import Drift

        context.report.log("the MLM run of an earlier attempt is complete; going on with its drift")
        return Drift.load(done), done
    config = MLMConfig(**row.config)
    with context.timings("corpus"):
        lines = _lines(context, row, dataset, config)
    backbone = context.backbone(row.backbone)

    from ltp.drift.train import train_drift

    with context.timings("mlm"), _ranks(context, row, lines, config, backbone) as ranks:
        drift = train_drift(
            backbone,
            lines,
            strategy=row.strategy,  # type: ignore[arg-type]
            config=config,
            progress=context.report,
            checkpoints=context.checkpoints(),
            device=context.device,
            warn=context.report.log,
            ranks=ranks,
        )
    drift.save(context.directory / FILE)
    return drift, context.directory / FILE


@contextmanager
def _ranks(
    context: JobContext, row: DriftRow, lines: Sequence[str], config: MLMConfig, backbone: Backbone
) -> Iterator[Ranks]:
    """Have a process on each of the job's further devices train with this one; CPUs share this one's threads."""
    import torch

    from ltp.compute.ranks import ALONE

    devices, threads = context.settings.job_devices, torch.get_num_threads()
    if len(devices) == 1:
        yield ALONE
        return
    each = max(1, threads // len(devices)) if context.device == "cpu" else 0
    task = RankTask(
        backbone=backbone.info.fingerprint,
        lines=list(lines),
        strategy=row.strategy,
        mlm=asdict(config),
        devices=list(devices),
        threads=each,
    )
    context.report.log(f"training on {len(devices)} devices together: {', '.join(devices)}")
    torch.set_num_threads(each or threads)
    try:
        with joined_ranks(
            task, context.directory, settings=context.settings, report=context.report, tell=context.report.log
        ) as ranks:
            yield ranks
    finally:
        torch.set_num_threads(threads)


def _lines(context: JobContext, row: DriftRow, dataset: DatasetRow | None, config: MLMConfig) -> Sequence[str]:
    if dataset is None:
        corpus = Corpus.builtin(row.corpus or "")
    else:
        corpus = Corpus.from_file(context.store.fetch(dataset.blob_id, context.directory / "corpus.txt"))
    return corpus.lines(config.sample, config.seed)


def _fetch(context: JobContext, row: DriftRow) -> tuple[Drift, Path]:
    from ltp.drift.stored import Drift

    path = context.store.fetch(str(row.blob_id), context.directory / FILE)
    return Drift.load(path), path


def _stage(context: JobContext, drift: Drift, path: Path) -> publish.DriftResult:
    from ltp.ticket.selection import magnitudes

    report = {**drift.report, MAGNITUDES: [layer.as_dict() for layer in magnitudes(drift)]}
    return publish.DriftResult(
        blob_id=context.stage(path),
        report=report,
        corpus_sha256=report["corpus_sha256"],
        moved=report["moved"],
        selectable=report["selectable"],
    )
