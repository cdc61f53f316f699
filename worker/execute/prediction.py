"""A file of pairs as a job: every row is judged and written back with label and probabilities added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.api.field_names import in_fields
from app.inference.adapter_source import AdapterKey
from app.inference.build_engine import build_engine
from app.registry import predictions, publish
from app.registry.aliases import ResolvedAdapter, resolve
from app.registry.target_accuracy import kept_thresholds
from app.storage.models import AdapterRow, DatasetRow, PredictionAdapterRow, PredictionRow
from ltp.config import LABEL_SPACES, LabelSpace, ServingPrecision
from ltp.engine.pairs import PairRequest, Prediction
from ltp.errors import UnknownText
from ltp.progress import Progress
from ltp.text.examples import FilePair, PairFile, ReadOptions, labels_of, texts_of
from ltp.text.vocabulary import TokenCount, Vocabulary, unknown_warning
from worker.context import JobContext

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.engine.engine import Engine

MARKS = ("truncated", "fallback", "abstained", "unknown")
"""Of how many pairs each is true is counted; `unknown`: the vocabulary does not have all of their words."""
ANSWERED = ("answered_by", "fallback", "truncated")
"""Columns after the probabilities: which adapter answered (`sw@3`), whether it stood in, whether texts were cut."""
SHOWN, SHOWN_CHARACTERS = 10, 160
"""Rows that the prediction shows of its result, and characters of each text."""
BATCH = 512
"""Rows handed to the engine at once, so that it can group them by adapter and length."""


@dataclass(frozen=True)
class Least:
    """The confidence below which answers are marked: one for all, or what a target came to for each adapter."""

    asked: bool
    usual: float
    by_adapter: Mapping[str, float]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Least:
        """As the request says; 0 where it does not."""
        least, target = request.get("min_confidence"), request.get("target_accuracy")
        points = {key: point.threshold for key, point in kept_thresholds(request).items()}
        return cls(least is not None or target is not None, least or 0.0, points)

    def of_adapter(self, adapter: ResolvedAdapter) -> float:
        """What holds for an adapter's answers."""
        return self.by_adapter.get(adapter.id, self.usual)


class RowResolver:
    """Finds the adapter of each row: what the row's own reference, or else the request's, meant at acceptance.

    The request may say that no row's own counts.
    """

    def __init__(
        self, context: JobContext, row: PredictionRow, adapter: AdapterRow, named: Sequence[PredictionAdapterRow]
    ) -> None:
        self._context, self._fallback = context, row.request.get("fallback")
        self._own = str(row.request.get("adapter") or row.request.get("lang"))
        self._ignore_rows = bool(row.request.get("ignore_row_lang"))
        self._known = {self._own: ResolvedAdapter(adapter.id, adapter.lang, adapter.version or 0, row.fallback)}
        self._known |= {
            each.reference: ResolvedAdapter(each.adapter_id, each.lang, each.version, each.fallback) for each in named
        }
        self.judged: Counter[str] = Counter()
        """Rows by the reference that was followed."""

    def __call__(self, pair: FilePair) -> ResolvedAdapter:
        """Return the row's adapter.

        A file that a version before this one accepted has its rows' references looked up only now: then raises
        `NoAdapterForLanguage`, `AdapterNotFound`, `InvalidReference`.
        """
        reference = (None if self._ignore_rows else pair.reference) or self._own
        self.judged[reference] += 1
        if reference not in self._known:
            tenant = self._context.job.tenant
            with self._context.db.read() as session:
                self._known[reference] = resolve(session, tenant=tenant, reference=reference, fallback=self._fallback)
        return self._known[reference]


def execute(context: JobContext) -> None:
    """Judge the job's file and publish the result."""
    with context.db.read() as session:
        row = session.get_one(PredictionRow, context.job.resource_id)
        dataset = session.get_one(DatasetRow, row.dataset_id)
        adapter = session.get_one(AdapterRow, row.adapter_id)
        resolver = RowResolver(context, row, adapter, predictions.adapters_of(session, row.id))
        spaces = predictions.label_spaces_of(session, row)
    pairs = _pairs(context, row, dataset)
    backbone = context.backbone(None)
    engine, precision = _engine(context, backbone)
    least, two_way = Least.of(row.request), row.request.get("as") == "two_way"
    met: set[LabelSpace] = {"two_way"} if two_way else set(spaces.values())
    shown = labels_of(met)
    added = ["label", *shown, *ANSWERED, *(["abstained"] if least.asked else [])]
    counts: Counter[str] = Counter()
    tokens, sample = TokenCount(), list[dict[str, Any]]()
    path = context.directory / "result"
    with context.timings("predict"), path.open("wb") as file:
        writer = pairs.writer(file, added)
        for pair, resolved, prediction in _predict(context, engine, pairs, resolver, row.pairs):
            answer = prediction.as_two_way() if two_way else prediction
            label, probabilities = answer.label, answer.by_label
            abstained = probabilities[label] < least.of_adapter(resolved)
            shares = [probabilities.get(name) for name in shown]
            answered = (f"{resolved.lang}@{resolved.version}", resolved.fallback, prediction.truncated)
            writer.write(pair, [label, *shares, *answered, *([abstained] if least.asked else [])])
            tokens += prediction.tokens
            if len(sample) < SHOWN:
                sample.append(_shown(pair, resolved, answer, abstained=abstained))
            marks = (prediction.truncated, resolved.fallback, abstained, prediction.tokens.unknown > 0)
            counts.update({label: 1, answer.label_space: 1, **dict(zip(MARKS, map(int, marks), strict=True))})
    lost = _unknown(context, Vocabulary(backbone.tokenizer), pairs, tokens)
    summary = _summary(counts, shown) | lost | {"precision": precision, predictions.SAMPLE: sample}
    summary["warnings"] = [*_of_file(context, pairs), *summary["warnings"], *_mixed(context, counts)]
    with context.timings("publish"):
        blob_id = context.stage(path)
    context.publish(
        lambda session: publish.publish_prediction(
            session, context.claim, blob_id=blob_id, summary=summary, judged=resolver.judged
        )
    )


def _pairs(context: JobContext, row: PredictionRow, dataset: DatasetRow) -> PairFile:
    """Open the file as it was read when it was accepted."""
    with context.timings("file"):
        path = context.store.fetch(dataset.blob_id, context.directory / "pairs")
    columns, lang_column = row.request.get("columns") or {}, row.request.get("lang_column")
    return PairFile(path, filename=dataset.filename, options=ReadOptions(columns=columns, lang_column=lang_column))


def _summary(counts: Counter[str], named: Sequence[str]) -> dict[str, Any]:
    labels = {label: counts[label] for label in named}
    spaces = {space: counts[space] for space in LABEL_SPACES if counts[space]}
    marks = {name: counts[name] for name in MARKS}
    return {"pairs": sum(labels.values()), "labels": labels, "label_spaces": spaces, **marks}


def _shown(pair: FilePair, adapter: ResolvedAdapter, answer: Prediction, *, abstained: bool) -> dict[str, Any]:
    """One row as the prediction shows it."""
    return {
        "premise": pair.premise[:SHOWN_CHARACTERS],
        "hypothesis": pair.hypothesis[:SHOWN_CHARACTERS],
        "label": answer.label,
        "probabilities": {str(label): round(share, 6) for label, share in answer.by_label.items()},
        "adapter": {"id": adapter.id, "lang": adapter.lang, "version": adapter.version},
        "fallback": adapter.fallback,
        "abstained": abstained,
    }


def _of_file(context: JobContext, pairs: PairFile) -> Iterator[str]:
    """Say what somebody should know of the file, as its check does: rows of several languages for one adapter."""
    for warning in map(in_fields, pairs.warnings):
        context.report.log(warning)
        yield warning


def _mixed(context: JobContext, counts: Counter[str]) -> Iterator[str]:
    """Say when rows were answered in different label spaces: a fallback, or a row's own adapter, may know others."""
    if counts["two_way"] and counts["three_way"]:
        told = (
            f"{counts['two_way']:,} pairs were answered by adapters that know entailment and not_entailment alone,"
            f" {counts['three_way']:,} by adapters that know three labels; ask for two_way to have them all alike"
        )
        context.report.log(told)
        yield told


def _unknown(context: JobContext, vocabulary: Vocabulary, pairs: PairFile, tokens: TokenCount) -> dict[str, Any]:
    """Say how much of the texts the vocabulary does not have. Raises UnknownText if that is all of it."""
    if tokens.unknown and not vocabulary.unknown_characters(texts_of(pairs)):
        vocabulary = vocabulary.as_written
    if tokens.is_unknown:
        raise UnknownText(vocabulary.unknown_characters(texts_of(pairs)))
    warning = unknown_warning(tokens, vocabulary, texts_of(pairs), of="of the pairs")
    if warning:
        context.report.log(warning)
    return {"unknown_share": round(tokens.share, 6), "warnings": [warning] if warning else []}


def _predict(
    context: JobContext, engine: Engine, pairs: PairFile, resolver: RowResolver, total: int
) -> Iterator[tuple[FilePair, ResolvedAdapter, Prediction]]:
    """Yield every row in the file's order with its adapter and prediction."""
    done = 0
    context.report(Progress("predict", 0, total))
    source = iter(pairs)
    while rows := list(islice(source, BATCH)):
        adapters = [resolver(pair) for pair in rows]
        requests = [
            PairRequest(AdapterKey(context.job.tenant, adapter.id), pair.premise, pair.hypothesis)
            for pair, adapter in zip(rows, adapters, strict=True)
        ]
        yield from zip(rows, adapters, engine.predict(requests), strict=True)
        done += len(rows)
        context.report(Progress("predict", done, total))


def _engine(context: JobContext, backbone: Backbone) -> tuple[Engine, ServingPrecision]:
    """The engine, and the arithmetic that this worker's settings, or a measurement on it, chose."""
    with context.timings("engine"):
        engine, choice = build_engine(context.settings, context.db, backbone, device=context.device)
    return engine, choice.precision
