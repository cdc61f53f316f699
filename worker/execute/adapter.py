"""Stage 2 as a job: train an adapter on the uploaded examples, and publish the best seed with its metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.registry import adapters, datasets, expected_time, publish, tickets
from app.registry.adapter_notes import READINGS, SOURCES, AdapterNotes
from app.storage.models import AdapterRow, DatasetRow, TicketRow
from ltp import atomic_file
from ltp.adapter.crossfit.estimate import estimate_of
from ltp.adapter.effort import passes
from ltp.config import AdapterConfig, Estimate
from ltp.text.examples import Example, examine, settle, split
from ltp.text.examples.findings import Part
from worker.context import JobContext
from worker.execute.begin import load_mask, load_start
from worker.execute.judged import Judged

if TYPE_CHECKING:
    from ltp.adapter.artefact import Adapter
    from ltp.adapter.start import Start
    from ltp.adapter.train import TrainedAdapter
    from ltp.backbone.load import Backbone
    from ltp.ticket.mask import Ticket

FILE, ANSWERS, NUMBERS = "adapter.safetensors", "answers.jsonl.gz", "adapter.json"


@dataclass(frozen=True)
class Parts:
    """The examples as they are used: `dev` given or held out, and empty where all pairs are cross-fitted."""

    train: Sequence[Example]
    sources: Sequence[Example]
    """Of other languages, which train with the language's own."""
    dev: Sequence[Example]
    test: Sequence[Example]
    estimate: Estimate
    judged_part: Literal["train", "dev"]
    """The uploaded part that those are of who tell how good the adapter is."""


def execute(context: JobContext) -> None:
    """Train the job's adapter and publish it under its language's next version."""
    with context.db.read() as session:
        row = session.get_one(AdapterRow, context.job.resource_id)
        dataset = session.get_one(DatasetRow, row.dataset_id)
        ticket_row = tickets.get(session, tenant=row.tenant, ticket_id=row.ticket_id) if row.ticket_id else None
    numbers = context.finished(NUMBERS)  # written last, so that what is next to it is complete
    if numbers is None:
        numbers = _train(context, row, dataset, ticket_row)
    else:
        context.report.log("the training of an earlier attempt is complete; publishing its adapter")
    made = json.loads(numbers.read_text(encoding="utf-8"))
    path = numbers.with_name(FILE)
    answered = path.with_name(ANSWERS)  # a release before did not write them
    with context.timings("publish"):
        answers_blob_id = context.stage(answered) if answered.is_file() else None
        blob_id = context.stage(path)
    made["training"]["report"].setdefault("timings", {}).update(context.timings.rounded())
    result = publish.AdapterResult(blob_id, path.stat().st_size, AdapterNotes(**made), answers_blob_id)
    context.publish(lambda session: publish.publish_adapter(session, context.claim, result))


def _train(context: JobContext, row: AdapterRow, dataset: DatasetRow, ticket_row: TicketRow | None) -> Path:
    """Train, and write the adapter and its numbers to the work directory; return the numbers' path."""
    config, timings = AdapterConfig(**row.training), context.timings
    with timings("examples"):
        given = datasets.read_parts(context.store.fetch(dataset.blob_id, context.directory / "examples.jsonl"))
        settled = settle(given, row.label_space, train="train")  # type: ignore[arg-type]  # checked at intake
        parts, found = _parts(settled.parts, config), examine(settled.parts)
    for sentence in (said := [*settled.notes, *found.sentences()]):
        context.report.log(sentence)
    backbone = context.backbone(row.backbone)
    mask, start = _ticket_and_start(context, row, ticket_row, backbone)
    trained = _training(parts, row)(
        backbone,
        mask,
        method=row.method,
        test=parts.test,
        config=replace(config, estimate=parts.estimate),
        seeds=row.seeds,
        progress=context.report,
        checkpoints=context.checkpoints(),
        timings=timings,
        warn=context.report.log,
        verbalizer=adapters.verbalizer_of_row(row),
        start=start,
    )
    with timings("save"):
        trained.adapter.save(context.directory / FILE)
        judged = Judged.of(trained.judgement, parts.train, parts.dev, uploaded=settled.parts[parts.judged_part])
        judged.write(context.directory / ANSWERS, part=parts.judged_part, label_space=row.label_space)
    effort = _effort(row, config, parts, start, tokens=trained.report["tokens"]["train"])
    report = trained.report | {"findings": found.as_dict(), "effort": effort}
    report["warnings"] = [*said, *trained.report["warnings"]]
    agreed = _int8_agreement(context, backbone, trained.adapter, mask, judged)
    numbers = {
        "metrics": _measured(trained) | {"certainty": judged.certainty(row.label_space)} | agreed,
        "training": {**trained.training, **_begun(row, report), "report": report},
        "examples": trained.report["examples"] | {"sha256": dataset.sha256} | _kept(row),
    }
    atomic_file.write_text(context.directory / NUMBERS, json.dumps(numbers, allow_nan=False))
    return context.directory / NUMBERS


def _ticket_and_start(
    context: JobContext, row: AdapterRow, ticket_row: TicketRow | None, backbone: Backbone
) -> tuple[Ticket | None, Start | None]:
    with context.timings("ticket"):
        mask = None if ticket_row is None else load_mask(context, ticket_row, backbone)
    with context.timings("start"):
        return mask, load_start(context, row, mask, backbone)


def _effort(
    row: AdapterRow, config: AdapterConfig, parts: Parts, start: Start | None, *, tokens: int
) -> dict[str, Any]:
    """What was computed, by which it is told how long others will take; `tokens` are those of all training pairs."""
    held_out, sources = parts.judged_part == "train", len(parts.sources)
    estimate: Literal["cross_fit", "holdout"] = "cross_fit" if parts.estimate == "cross_fit" else "holdout"
    taken = passes(
        config,
        estimate=estimate,
        pairs=len(parts.train) + (len(parts.dev) if held_out else 0),
        dev=0 if held_out else len(parts.dev),
        sources=sources,
        seeds=row.seeds,
        started=start is not None and start.knows_task,
    )
    return expected_time.effort(taken * tokens / (len(parts.train) + sources), estimate)


def _training(parts: Parts, row: AdapterRow) -> Callable[..., TrainedAdapter]:
    """What trains: on all pairs, or with those that are held out; on those of other languages by their weights."""
    from ltp.adapter.crossfit.train import cross_fit_adapter
    from ltp.adapter.train import train_adapter

    drawn = {example.lang for example in (*parts.train, *parts.sources)}
    sources = row.examples.get(SOURCES) or ()
    weights = {source["lang"]: source["weight"] for source in sources if source["lang"] in drawn} or None
    if parts.estimate == "cross_fit":
        return partial(cross_fit_adapter, train=parts.train, sources=parts.sources, source_weights=weights)
    together = [*parts.train, *parts.sources]
    return partial(train_adapter, train=together, dev=parts.dev, source_weights=weights)


def _begun(row: AdapterRow, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the hyperparameters say of the adapter that training began from, and of how much of it was carried over."""
    language = {} if row.language_delta is None else {"language_delta": row.language_delta}
    if row.start is None:
        return language
    carried = report.get("start") or {}
    return {**language, "start": {**row.start, "carried": carried.get("carried"), "nested": carried.get("nested")}}


def _measured(trained: TrainedAdapter) -> dict[str, Any]:
    """Its scores; one that held pairs out, of which no calibration is fitted, has the curve of their answers all the
    same, on which a target accuracy is resolved."""
    if not trained.answered:
        return trained.metrics
    error, labels = trained.metrics["dev"]["ece"], len(trained.adapter.verbalizer.labels)
    untouched = {"temperature": 1.0, "bias": [0.0] * labels, "ece_before": error, "ece_after": error}
    return trained.metrics | {"calibration": untouched | {"curve": trained.answered}}


def _int8_agreement(
    context: JobContext, backbone: Backbone, adapter: Adapter, mask: Ticket | None, judged: Judged
) -> dict[str, dict[str, Any]]:
    """How well it agrees with itself in int8, on the pairs that it is scored on: where int8 is what answers.

    It takes another copy of the backbone in memory, which nobody else should have to find room for.
    """
    from ltp.engine.int8_agreement import measure

    if context.settings.precision != "int8":
        return {}
    with context.timings("agreement"):
        agreement = measure(backbone, adapter, mask, [(each.premise, each.hypothesis) for each in judged.examples])
    return {} if agreement is None else {"int8_agreement": agreement.as_dict()}


def _kept(row: AdapterRow) -> dict[str, Any]:
    """What was noted of the files when the job was accepted: how they were read, and which languages they are of."""
    return {name: row.examples[name] for name in (READINGS, SOURCES) if name in row.examples}


def _parts(given: Mapping[Part, Sequence[Example]], config: AdapterConfig) -> Parts:
    """Hold out what is not given, unless all train: of the language's own pairs, which say no language."""
    own = [example for example in given["train"] if example.lang is None]
    sources = [example for example in given["train"] if example.lang is not None]
    estimate = estimate_of(config, own, dev=bool(given["dev"])) if own else "holdout"
    judged: Literal["train", "dev"] = "dev" if given["dev"] else "train"
    parts = Parts(own or sources, sources if own else (), given["dev"], given["test"], estimate, judged)
    if parts.dev or parts.estimate == "cross_fit":
        return parts
    held_out = split(parts.train, dev_share=config.dev_share, seed=config.seed)
    return replace(parts, train=held_out.train, dev=held_out.dev)
