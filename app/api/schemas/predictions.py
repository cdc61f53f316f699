"""Predictions: answered at once for a list of pairs, or as a job for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, WrapValidator, model_validator

from app.api.schemas.jobs import Accepted, JobPublic, ResourceStatus
from app.api.schemas.long_lists import ElementWise, LongList
from app.api.schemas.reading_options import ColumnOptions
from app.api.schemas.scalars import AN_ADAPTER_ID, Answer, Language, Moment, Reference, Request, Text
from app.http.validation_errors import InvalidFieldError
from app.registry.aliases import ResolvedAdapter
from app.storage import models
from ltp.config import Label, LabelSpace

Confidence = Annotated[float, Field(ge=0, le=1)]
AnsweredAs = Annotated[Literal["two_way"] | None, Field(alias="as")]
"""In a request, the label space of its answers; a two-way adapter cannot answer three-way, so there is no other."""


class Addressed(Request):
    """Something that may name the adapter to use, one way or the other."""

    lang: Language | None = None
    """Its `production` adapter, else its newest ready one."""
    adapter: Reference | None = None
    """`lang`, `lang@version`, `lang@alias`, or an adapter's id."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.lang is not None and self.adapter is not None:
            raise InvalidFieldError("adapter", "give either `lang` or `adapter`, not both")
        return self

    @property
    def reference(self) -> str | None:
        """The adapter reference it names."""
        return self.adapter or self.lang


class AddressedPair(Addressed):
    """A premise and a hypothesis, and the adapter to judge them with if it is not the request's."""

    model_config = ConfigDict(strict=False)  # an element of a long list comes as a dict; its fields are texts alone

    premise: Text
    hypothesis: Text


PAIRS = LongList("pairs", 1_000_000, values=9, setting="max_pairs")


class PredictRequest(Addressed):
    """Pairs to judge. Every pair needs an adapter: its own or the request's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lang": "es",
                    "pairs": [
                        {"premise": "El perro duerme.", "hypothesis": "El animal descansa."},
                        {"premise": "Mbwa analala.", "hypothesis": "Mbwa anakimbia.", "adapter": "sw@production"},
                    ],
                    "fallback": "es",
                    "min_confidence": 0.5,
                }
            ]
        }
    )

    LONG_LISTS = (PAIRS,)

    pairs: Annotated[
        list[AddressedPair],
        Field(min_length=1, max_length=PAIRS.most),
        WrapValidator(ElementWise(AddressedPair, PAIRS, instead="; POST /predictions takes a file")),
    ]
    """At most `MAX_PAIRS` of them."""
    fallback: Reference | None = None
    """Used, and flagged, for languages without an adapter: zero-shot."""
    min_confidence: Confidence | None = None
    """Below it a prediction is marked `abstained`; the label stays the likeliest one."""
    answered_as: AnsweredAs = None
    """`two_way`: every answer is entailment or not_entailment; an adapter that knows three labels gives the
    probabilities of neutral and contradiction together. Default: as each adapter was trained."""

    @model_validator(mode="after")
    def _every_pair_is_addressed(self) -> Self:
        if self.reference is None:
            for index, pair in enumerate(self.pairs):
                if pair.reference is None:
                    raise InvalidFieldError(
                        f"pairs.{index}", "name a `lang` or an `adapter`, here or for the whole request"
                    )
        return self


class ThreeWay(Answer):
    """Probabilities of three labels; they sum to 1."""

    entailment: float
    neutral: float
    contradiction: float


class TwoWay(Answer):
    """Probabilities of two labels; they sum to 1."""

    entailment: float
    not_entailment: float


PROBABILITIES: dict[LabelSpace, type[ThreeWay | TwoWay]] = {"three_way": ThreeWay, "two_way": TwoWay}


class AdapterRef(Answer):
    """The adapter that judged."""

    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    lang: Annotated[str, Field(examples=["sw"])]
    version: Annotated[int, Field(examples=[3])]

    @classmethod
    def of(cls, adapter: models.AdapterRow | ResolvedAdapter) -> AdapterRef:
        """Name a published adapter."""
        return cls(id=adapter.id, lang=adapter.lang, version=adapter.version or 0)


class PairPrediction(Answer):
    """What the hypothesis is to the premise."""

    label: Label
    probabilities: ThreeWay | TwoWay
    """Two where the adapter was trained on two labels, or the request asked for two-way answers."""
    adapter: AdapterRef
    fallback: bool
    """The language has no adapter; the fallback judged."""
    truncated: bool
    """Premise and hypothesis were too long together and were cut."""
    abstained: bool
    """The label's probability is below `min_confidence`."""
    unknown: Annotated[float, Field(ge=0, le=1)]
    """Share of the tokens that the backbone's vocabulary does not have (`<unk>`), of those that carry letters: pairs
    that differ in nothing else get the same answer. Where it is 1 for every pair, the request is refused."""


class Timing(Answer):
    """Milliseconds."""

    queue: float
    """Waiting for the engine."""
    compute: float
    """From the first pair to the last."""


class PredictAnswer(Answer):
    """One prediction a pair, in the order of the pairs."""

    predictions: list[PairPrediction]
    timing_ms: Timing


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
    """Used, and flagged, if the language has no adapter."""
    min_confidence: Confidence | None = None
    """Below it a pair is marked as abstained."""
    answered_as: AnsweredAs = None
    """`two_way`: every answer is entailment or not_entailment, see `POST /predict`. Default: as each row's adapter was
    trained."""
    ignore_row_lang: bool = False
    """The request's adapter judges every row, whatever the row's own `lang` or `adapter` column names."""

    @model_validator(mode="after")
    def _is_addressed(self) -> Self:
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
    """The language had no adapter; the fallback judges."""
    min_confidence: float | None
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
            answered_as=request.get("as"),
            filename=request.get("filename"),
            pairs=row.pairs,
            summary=row.summary or {},
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
    """The language had no adapter; the fallback judges."""
    rows: int | None
    """How many rows it judged; null until the prediction is ready."""


class PredictionDetail(PredictionPublic):
    """A file of pairs with labels to be added, and which adapters judge it."""

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
        adapters = [
            NamedAdapter(
                reference=each.reference,
                adapter=AdapterRef(id=each.adapter_id, lang=each.lang, version=each.version),
                fallback=each.fallback,
                rows=each.rows,
            )
            for each in named
        ]
        return cls(**PredictionPublic.of(row, adapter).model_dump(), adapters=adapters)


class PredictionAccepted(Accepted):
    """The file is being worked on."""

    prediction: PredictionPublic

    @classmethod
    def of(cls, row: models.PredictionRow, adapter: ResolvedAdapter, job: models.JobRow) -> PredictionAccepted:
        """Describe a prediction that was just submitted."""
        return cls(job=JobPublic.of(job), prediction=PredictionPublic.of(row, adapter))
