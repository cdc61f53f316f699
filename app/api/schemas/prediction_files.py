"""Files of pairs as a job: how to judge one, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.predictions import (
    AdapterRef,
    Addressed,
    AnsweredAs,
    Confidence,
    ThreeWay,
    Threshold,
    TwoWay,
    check_one_threshold,
)
from app.api.schemas.reading_options import ColumnOptions
from app.api.schemas.scalars import Answer, Moment, Reference
from app.http.validation_errors import InvalidFieldError
from app.registry.aliases import ResolvedAdapter
from app.registry.predictions import SAMPLE
from app.registry.target_accuracy import kept_thresholds
from app.storage import models
from ltp.config import Label


class PredictionRequest(Addressed, ColumnOptions):
    """How to judge a file of pairs. A row's own `lang` or `adapter` column wins over the request's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lang": "sw"},
                {"adapter": "sw@production", "columns": {"premise": "sentence_A", "hypothesis": "sentence_B"}},
                {"adapter": "sw@3", "fallback": "es", "lang_column": "language"},
            ]
        }
    )

    fallback: Reference | None = None
    """Used, and flagged, if the language has no adapter. Default: the starter, where there is one."""
    min_confidence: Confidence | None = None
    """Below it a pair is marked as abstained."""
    target_accuracy: Confidence | None = None
    """Instead of `min_confidence`: how many of the pairs that are not marked as abstained are to be right, see
    `POST /predict`. What that comes to is settled, for every adapter that the file names, when it is accepted."""
    answered_as: AnsweredAs = None
    """`two_way`: every answer is entailment or not_entailment, see `POST /predict`. Default: as each row's adapter was
    trained."""
    ignore_row_lang: bool = False
    """The request's adapter judges every row, whatever the row's own `lang` or `adapter` column names."""

    @model_validator(mode="after")
    def _is_addressed(self) -> Self:
        check_one_threshold(self.min_confidence, self.target_accuracy)
        if self.reference is None:
            raise InvalidFieldError("lang", "name a `lang` or an `adapter`")
        return self


class PredictionPublic(Answer):
    """A file of pairs with labels to be added."""

    id: Annotated[str, Field(examples=["0199f3c4-3b1d-7a52-8e0b-4d2c1b0a9f55"])]
    status: ResourceStatus
    lang: str | None
    adapter: AdapterRef | None
    """The adapter that judges; null once it was deleted."""
    fallback: bool
    """The language had no adapter; the fallback, or the starter, judges."""
    min_confidence: float | None
    target_accuracy: float | None
    """As the request said; what it came to for each adapter is in `adapters` of the prediction's own page."""
    answered_as: Annotated[Literal["two_way"] | None, Field(serialization_alias="as")]
    """As the request said; null: as each adapter was trained."""
    filename: str | None
    pairs: int
    summary: dict[str, Any]
    """Counts by label, by label space (`label_spaces`), of pairs truncated, abstained or with `unknown` tokens, the
    share of these tokens, `warnings`, and the arithmetic they were judged in; empty until ready."""
    created_at: Moment
    published_at: Moment | None

    @classmethod
    def of(cls, row: models.PredictionRow, adapter: models.AdapterRow | ResolvedAdapter | None) -> PredictionPublic:
        """Describe a stored prediction and the adapter that judges."""
        request = row.request or {}
        return cls(
            id=row.id,
            status=row.status,
            lang=request.get("lang"),
            adapter=AdapterRef.of(adapter) if adapter is not None else None,
            fallback=row.fallback,
            min_confidence=request.get("min_confidence"),
            target_accuracy=request.get("target_accuracy"),
            answered_as=request.get("as"),
            filename=request.get("filename"),
            pairs=row.pairs,
            summary={name: value for name, value in (row.summary or {}).items() if name != SAMPLE},
            created_at=row.created_at,
            published_at=row.published_at,
        )


class NamedAdapter(Answer):
    """What one reference in a file of pairs means, fixed when the file was accepted."""

    reference: Annotated[str, Field(examples=["sw@production"])]
    """As the request, or a row's `adapter` or `lang`, gives it."""
    adapter: AdapterRef
    """The adapter that judges; still named here once it was deleted."""
    fallback: bool
    """The language had no adapter; the fallback, or the starter, judges."""
    rows: int | None
    """How many rows it judged; null until the prediction is ready."""
    threshold: Threshold | None = None
    """What `target_accuracy` came to for it; null where none was asked for."""


class JudgedRow(Answer):
    """One of the first rows of a result, its texts cut."""

    premise: Annotated[str, Field(examples=["Mbwa analala."])]
    hypothesis: Annotated[str, Field(examples=["Mnyama anapumzika."])]
    label: Annotated[Label, Field(examples=["entailment"])]
    probabilities: ThreeWay | TwoWay
    adapter: AdapterRef
    fallback: bool
    abstained: bool


class PredictionDetail(PredictionPublic):
    """A file of pairs with labels to be added, and which adapters judge it."""

    sample: list[JudgedRow]
    """The first rows of the result; empty until it is ready, and of what earlier versions judged."""
    adapters: list[NamedAdapter]
    """One for each different reference in the file and the request's own; none where an earlier version accepted it."""

    @classmethod
    def describe(
        cls,
        row: models.PredictionRow,
        adapter: models.AdapterRow | None,
        named: Sequence[models.PredictionAdapterRow],
    ) -> PredictionDetail:
        """Describe a stored prediction with the adapters of its rows."""
        thresholds = kept_thresholds(row.request or {})
        adapters = []
        for each in named:
            judge = AdapterRef(id=each.adapter_id, lang=each.lang, version=each.version)
            point = thresholds.get(each.adapter_id)
            adapters.append(
                NamedAdapter(
                    reference=each.reference,
                    adapter=judge,
                    fallback=each.fallback,
                    rows=each.rows,
                    threshold=None if point is None else Threshold.of(judge, point),
                )
            )
        sample = [JudgedRow(**each) for each in (row.summary or {}).get(SAMPLE, ())]
        return cls(**PredictionPublic.of(row, adapter).model_dump(), adapters=adapters, sample=sample)


class PredictionAccepted(Accepted):
    """The file is being worked on."""

    prediction: PredictionPublic

    @classmethod
    def of(cls, row: models.PredictionRow, adapter: ResolvedAdapter, job: models.JobRow) -> PredictionAccepted:
        """Describe a prediction that was just submitted."""
        return cls(job=JobPublic.of(job), prediction=PredictionPublic.of(row, adapter))
