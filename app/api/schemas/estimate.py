"""How long a training will take, asked before it is sent."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from app.api.schemas.scalars import Answer, Identifier, Reference, Request, without_default
from app.api.schemas.training import MOST_EXAMPLES, GivenConfig
from app.registry.expected_time import Expected, Planned
from app.registry.starts import Hyperparameters, WantedStart
from ltp.config import Average, Estimate, LabelSpace
from ltp.model.methods import Method

Pairs = Annotated[int, Field(ge=0, le=MOST_EXAMPLES)]
USUAL_TOKENS = 40
"""Of a pair with its template, where nobody counted: two sentences."""


class EstimateRequest(Request):
    """A training as it would be asked for, with how many pairs there are in the place of the pairs.

    Fields that `POST /adapters` has, too, mean what they mean there.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pairs": 96}, {"pairs": 400, "dev_pairs": 200, "tokens": 31.5, "start": None}]}
    )

    pairs: Annotated[int, Field(ge=1, le=MOST_EXAMPLES)]
    """How many are trained on: `read` of `POST /data/check`."""
    dev_pairs: Pairs = 0
    """How many `dev_examples` there are."""
    source_pairs: Pairs = 0
    """How many `sources` have together."""
    tokens: Annotated[float, Field(gt=0, le=512)] | None = None
    """Mean tokens of both texts of a pair: `tokens` of `POST /data/check`. Default: some thirty."""
    method: Method = "ltp"
    """What trains."""
    ticket: Identifier | None = None
    """The ticket, if one is named."""
    start: Annotated[Reference | None, Field(json_schema_extra=without_default, examples=["starter"])] = None
    """The adapter that training begins from. `null`: the pretrained values. Default: the starter, where one fits."""
    label_space: LabelSpace = "three_way"
    """Of the examples."""
    estimate: Estimate | None = None
    """Where the scores come from."""
    average: Average | None = None
    """What is averaged."""
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    """How often it is trained."""
    training: Annotated[GivenConfig, Field(json_schema_extra={"default": {}})] = Field(default_factory=GivenConfig)
    """Hyperparameters."""

    def planned(self, template: int) -> Planned:
        """Return the same for the registry; `template` are the tokens of one around a pair."""
        config = self.training.config
        return Planned(
            pairs=self.pairs,
            dev=self.dev_pairs,
            sources=self.source_pairs,
            tokens=USUAL_TOKENS if self.tokens is None else min(self.tokens + template, config.max_length),
            method=self.method,
            ticket=self.ticket,
            start=WantedStart(self.start, said="start" in self.model_fields_set),
            label_space=self.label_space,
            hyperparameters=Hyperparameters(config, self.training.given, self.estimate, self.average),
            seeds=self.seeds,
        )


class BegunFrom(Answer):
    """The adapter that training would begin from."""

    id: str
    lang: str
    version: int


class EstimatePublic(Answer):
    """About how long a training takes, from the moment a worker takes it: without the wait in the queue."""

    seconds: Annotated[float, Field(examples=[140.0])]
    """About so long."""
    least_s: Annotated[float, Field(examples=[90.0])]
    """Hardly less,"""
    most_s: Annotated[float, Field(examples=[210.0])]
    """and hardly more."""
    trainings: Annotated[int, Field(examples=[4])]
    """From how many recent trainings of yours that was told; 0: from a rough constant."""
    said: Annotated[str, Field(examples=["from 4 recent training(s) of yours on this service"])]
    """How it was got, in words."""
    estimate: Literal["cross_fit", "holdout"]
    """Whether all pairs would train, or some would be held out."""
    start: BegunFrom | None
    """What it would begin from; null for the pretrained values."""

    @classmethod
    def of(cls, expected: Expected, estimate: Literal["cross_fit", "holdout"], start: BegunFrom | None) -> Self:
        """Describe it, in whole seconds."""
        return cls(
            seconds=round(expected.seconds),
            least_s=round(expected.least),
            most_s=round(expected.most),
            trainings=expected.trainings,
            said=expected.said,
            estimate=estimate,
            start=start,
        )
