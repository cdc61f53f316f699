"""What to have labelled next, of a file of unlabelled pairs."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from app.api.schemas.predictions import AdapterRef, ThreeWay, TwoWay
from app.api.schemas.reading_options import ColumnOptions
from app.api.schemas.scalars import Answer
from ltp.suggestion import Strategy

MOST_SUGGESTED = 1_000


class SuggestionRequest(ColumnOptions):
    """How many pairs to suggest, and how to choose them. A row's own `lang` or `adapter` does not count."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"n": 50}, {"n": 20, "strategy": "uncertain"}]})

    n: Annotated[int, Field(ge=1, le=MOST_SUGGESTED)] = 50
    """How many; fewer where the file has no more."""
    strategy: Strategy = "auto"
    """`random`: any, one a premise as long as there are others; `uncertain`: those that the adapter is unsure of,
    unlike each other; `auto`: `random`, since the other was not found to be better."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Another seed chooses otherwise; the same one chooses the same again."""


class Suggestion(Answer):
    """A pair to have labelled."""

    line: Annotated[int, Field(examples=[17])]
    """Where its row starts in the file, from 1."""
    premise: str
    hypothesis: str
    probabilities: ThreeWay | TwoWay
    """What the adapter takes it for."""
    score: Annotated[float, Field(examples=[0.93])]
    """How unsure the adapter is: 0 where one label is certain, 1 where the two likeliest are as likely."""


class Suggestions(Answer):
    """Pairs to have labelled, the first to label first."""

    items: list[Suggestion]
    adapter: AdapterRef
    pairs: int
    """Rows of the file."""
    judged: int
    """How many of them were looked at: of a large file a random sample."""
