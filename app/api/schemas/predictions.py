"""Predictions at once: the pairs, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, WrapValidator, model_validator

from app.api.schemas.long_lists import ElementWise, LongList
from app.api.schemas.scalars import AN_ADAPTER_ID, Answer, Language, Reference, Request, Text
from app.http.validation_errors import InvalidFieldError
from app.registry.aliases import ResolvedAdapter
from app.storage import models
from ltp.answered_share import Point
from ltp.config import Label, LabelSpace

Confidence = Annotated[float, Field(ge=0, le=1)]
AnsweredAs = Annotated[Literal["two_way"] | None, Field(alias="as")]
"""In a request, the label space of its answers; a two-way adapter cannot answer three-way, so there is no other."""


def check_one_threshold(min_confidence: float | None, target_accuracy: float | None) -> None:
    """Refuse a request that gives both: each asks for a threshold of its own."""
    if min_confidence is not None and target_accuracy is not None:
        raise InvalidFieldError("target_accuracy", "give either `min_confidence` or `target_accuracy`, not both")


class Addressed(Request):
    """Something that may name the adapter to use, one way or the other."""

    lang: Language | None = None
    """Its `production` adapter, else its newest ready one."""
    adapter: Reference | None = None
    """`lang`, `lang@version`, `lang@alias`, `starter`, or an adapter's id."""

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
                        {"premise": "Mbwa analala.", "hypothesis": "Mbwa anakimbia.", "lang": "sw"},
                    ],
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
    """Used, and flagged, for languages without an adapter: zero-shot. Default: the starter, where there is one."""
    min_confidence: Confidence | None = None
    """Below it a prediction is marked `abstained`; the label stays the likeliest one."""
    target_accuracy: Confidence | None = None
    """Instead of `min_confidence`: of the answers that are not marked `abstained`, this share is to be right. Each
    adapter's own curve (`metrics.calibration.curve`) says from which confidence on that is so; `thresholds` in the
    answer tells it. Refused where an adapter has no curve, or never reaches it, or stands in for another language."""
    answered_as: AnsweredAs = None
    """`two_way`: every answer is entailment or not_entailment; an adapter that knows three labels gives the
    probabilities of neutral and contradiction together. Default: as each adapter was trained."""

    @model_validator(mode="after")
    def _every_pair_is_addressed(self) -> Self:
        check_one_threshold(self.min_confidence, self.target_accuracy)
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


class Threshold(Answer):
    """What a target accuracy came to for one adapter."""

    adapter: AdapterRef
    min_confidence: Annotated[float, Field(examples=[0.62])]
    """Answers below it are marked `abstained`."""
    answered: Annotated[float, Field(examples=[0.71])]
    """Share of the pairs it was measured on that are answered so."""
    accuracy: Annotated[float, Field(examples=[0.81])]
    """How many of those were right."""

    @classmethod
    def of(cls, adapter: AdapterRef, point: Point) -> Threshold:
        """Describe a point of the adapter's curve."""
        return cls(adapter=adapter, min_confidence=point.threshold, answered=point.answered, accuracy=point.accuracy)


class PairPrediction(Answer):
    """What the hypothesis is to the premise."""

    label: Label
    probabilities: ThreeWay | TwoWay
    """Two where the adapter was trained on two labels, or the request asked for two-way answers."""
    adapter: AdapterRef
    fallback: bool
    """The language has no adapter; the fallback, or the starter, judged."""
    truncated: bool
    """Premise and hypothesis were too long together and were cut."""
    abstained: bool
    """The label's probability is below `min_confidence`, or what `target_accuracy` came to."""
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
    thresholds: list[Threshold] | None = None
    """What `target_accuracy` came to, for each adapter that answered; null where none was asked for."""
    timing_ms: Timing
