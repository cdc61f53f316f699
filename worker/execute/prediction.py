"""A file of pairs as a job: every row is judged and written back with label and probabilities added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from app.errors import NoAdapterForLanguage
from app.inference.adapter_source import AdapterKey
from app.inference.build_engine import build_engine
from app.registry import aliases, publish
from app.storage.models import DatasetRow, PredictionRow
from ltp.config import LABELS, Precision
from ltp.progress import Progress
from ltp.text.examples import RESULT_COLUMNS, Pair, PairFile
from worker.context import JobContext

if TYPE_CHECKING:
    from ltp.engine.engine import Engine
    from ltp.engine.pairs import Prediction as Judgement

BATCH = 512
"""Rows handed to the engine at once, so that it can group them by adapter and length."""


class Choice(NamedTuple):
    """The adapter that judges a row, and whether it stands in for a language without one."""

    adapter_id: str
    fallback: bool


class Chooser:
    """Finds the adapter of each row: the row's own reference, else the request's."""

    def __init__(self, context: JobContext, row: PredictionRow) -> None:
        self._context, self._request = context, row.request
        self._default = Choice(row.adapter_id, row.fallback) if row.adapter_id else None
        self._known: dict[tuple[str | None, str | None], Choice] = {}

    def __call__(self, pair: Pair) -> Choice:
        """Return the row's adapter. Raises `NoAdapterForLanguage`, `AdapterNotFound`, `InvalidReference`."""
        if pair.adapter is None and pair.lang is None and self._default is not None:
            return self._default
        key = (pair.adapter, pair.lang)
        if key not in self._known:
            self._known[key] = self._resolve(pair.adapter or pair.lang or "")
        return self._known[key]

    def _resolve(self, reference: str) -> Choice:
        tenant, fallback = self._context.job.tenant, self._request.get("fallback")
        with self._context.db.read() as session:
            try:
                return Choice(aliases.resolve_adapter(session, tenant=tenant, reference=reference).id, fallback=False)
            except NoAdapterForLanguage:
                if not fallback:
                    raise
                return Choice(aliases.resolve_adapter(session, tenant=tenant, reference=fallback).id, fallback=True)


def execute(context: JobContext) -> None:
    """Judge the job's file and publish the result."""
    with context.db.read() as session:
        row = session.get_one(PredictionRow, context.job.resource_id)
        dataset = session.get_one(DatasetRow, row.dataset_id)
    pairs = PairFile(
        context.store.fetch(dataset.blob_id, context.directory / "pairs"), filename=dataset.filename, allow_blank=False
    )
    engine, precision = _engine(context)
    least = row.request.get("min_confidence")
    columns = [*RESULT_COLUMNS, *(["abstained"] if least is not None else [])]
    counts: Counter[str] = Counter()
    path = context.directory / "result"
    with path.open("wb") as file:
        writer = pairs.writer(file, columns)
        for pair, choice, judged in _judge(context, engine, pairs, Chooser(context, row), row.pairs):
            label = LABELS[max(range(len(LABELS)), key=judged.probabilities.__getitem__)]
            abstained = least is not None and max(judged.probabilities) < least
            writer.write(pair, [label, *judged.probabilities, *([str(abstained).lower()] if least is not None else [])])
            counts.update(
                {label: 1, "truncated": judged.truncated, "fallback": choice.fallback, "abstained": abstained}
            )
    summary = {
        "pairs": sum(counts[label] for label in LABELS),
        "labels": {label: counts[label] for label in LABELS},
        **{name: counts[name] for name in ("truncated", "fallback", "abstained")},
        "precision": precision,
    }
    blob_id = context.stage(path)
    context.publish(
        lambda session: publish.publish_prediction(session, context.claim, blob_id=blob_id, summary=summary)
    )


def _judge(
    context: JobContext, engine: Engine, pairs: PairFile, choose: Chooser, total: int
) -> Iterator[tuple[Pair, Choice, Judgement]]:
    """Yield every row in the file's order with its adapter and judgement."""
    from ltp.engine.pairs import PairRequest

    done = 0
    context.report(Progress("predict", 0, total))
    source = iter(pairs)
    while rows := list(islice(source, BATCH)):
        choices = [choose(pair) for pair in rows]
        asked = [
            PairRequest(AdapterKey(context.job.tenant, choice.adapter_id), pair.premise, pair.hypothesis)
            for pair, choice in zip(rows, choices, strict=True)
        ]
        yield from zip(rows, choices, engine.predict(asked), strict=True)
        done += len(rows)
        context.report(Progress("predict", done, total))


def _engine(context: JobContext) -> tuple[Engine, Precision]:
    """The engine, and the arithmetic that this worker's settings, or a measurement on it, chose."""
    engine, choice = build_engine(context.settings, context.db, context.backbone(None), device=context.device)
    return engine, choice.precision
