"""A language's own text as a job: the MLM run at a ticket's positions, and what it gave on held-out lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.registry import publish, tickets
from app.storage.models import DatasetRow, LanguageDeltaRow, TicketRow
from ltp.config import LanguageConfig
from ltp.text.corpus import Corpus
from worker.context import JobContext

if TYPE_CHECKING:
    from ltp.language_delta.artefact import LanguageDelta

FILE = "language-delta.safetensors"
MOST_LOSSES = 100
"""Validations that the row keeps of a run; the file has all."""


def execute(context: JobContext) -> None:
    """Train the job's language delta and publish it under its language's next version."""
    with context.db.read() as session:
        row = session.get_one(LanguageDeltaRow, context.job.resource_id)
        dataset = session.get_one(DatasetRow, row.dataset_id)
        ticket_row = tickets.get(session, tenant=row.tenant, ticket_id=str(row.ticket_id))
    path = context.finished(FILE)
    if path is None:
        language = _train(context, row, dataset, context.directory / FILE, ticket_row)
        path = context.directory / FILE
    else:
        from ltp.language_delta.artefact import LanguageDelta

        context.report.log("the MLM run of an earlier attempt is complete; publishing its language delta")
        language = LanguageDelta.load(path)
    with context.timings("publish"):
        blob_id = context.stage(path)
    size, report = path.stat().st_size, _kept(language.report)
    result = publish.LanguageDeltaResult(blob_id=blob_id, size=size, report=report)
    context.publish(lambda session: publish.publish_language_delta(session, context.claim, result))


def _train(
    context: JobContext, row: LanguageDeltaRow, dataset: DatasetRow, path: Path, ticket_row: TicketRow
) -> LanguageDelta:
    config = LanguageConfig(**row.config)
    with context.timings("corpus"):
        corpus = Corpus.from_file(context.store.fetch(dataset.blob_id, context.directory / "corpus.txt"))
        lines = corpus.lines(config.sample, config.seed)
    backbone = context.backbone(row.backbone)

    from ltp.language_delta.train import train_language_delta
    from ltp.ticket.mask import Ticket

    mask = tickets.fetch_mask(
        context.store, ticket_row, context.directory / "ticket.safetensors", backbone=backbone.info
    )
    with context.timings("mlm"):
        language = train_language_delta(
            backbone,
            Ticket.load(mask, backbone.info),
            lines,
            config=config,
            progress=context.report,
            checkpoints=context.checkpoints(),
            device=context.device,
            warn=context.report.log,
        )
    language.save(path)
    return language


def _kept(report: dict[str, Any]) -> dict[str, Any]:
    """Of very many validations the row keeps some, the first, the best and the last among them."""
    losses: Sequence[dict[str, Any]] = report["losses"]
    if len(losses) <= MOST_LOSSES:
        return report
    apart = -(-len(losses) // (MOST_LOSSES - 2))
    last, best = losses[-1]["step"], report["best_step"]
    some = [loss for number, loss in enumerate(losses) if number % apart == 0 or loss["step"] in (best, last)]
    return {**report, "losses": some}
