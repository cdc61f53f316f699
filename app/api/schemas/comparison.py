"""Two adapters beside each other, on the pairs that both are scored on."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from app.api.schemas.scalars import AN_ADAPTER_ID, Answer
from app.registry.beside import Beside
from app.storage import models

NOTHING = (
    "they are scored on other pairs, so that their accuracies cannot be compared; give both the same development pairs"
)
NO_LABELS = "one knows two labels and the other three, so that their accuracies cannot be compared"


class Compared(Answer):
    """One of the two."""

    adapter: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    lang: Annotated[str, Field(examples=["sw"])]
    version: Annotated[int, Field(examples=[3])]
    pairs: Annotated[int, Field(examples=[96])]
    """How many different pairs it is scored on."""
    accuracy: Annotated[float | None, Field(examples=[0.61])]
    """On the pairs that both are scored on."""
    only_this_right: Annotated[int, Field(examples=[11])]
    """How many of these it alone is right in."""


class ComparisonPublic(Answer):
    """A paired comparison. Figures are null where there is no pair that both are scored on."""

    first: Compared
    second: Compared
    pairs: Annotated[int, Field(examples=[96])]
    """How many pairs both are scored on, and neither was trained on: these are compared."""
    premises: Annotated[int | None, Field(examples=[32])]
    """Of how many premises; pairs of one are right or wrong together."""
    same_pairs: bool
    """Whether both are scored on exactly the same pairs."""
    difference: Annotated[float | None, Field(examples=[0.042])]
    """The first's accuracy minus the second's."""
    interval: Annotated[list[float] | None, Field(min_length=2, max_length=2, examples=[[-0.01, 0.09]])]
    """95 % interval of that: a bootstrap over premises."""
    p: Annotated[float | None, Field(examples=[0.118])]
    """How often chance alone would make such a difference: a paired test by premises."""
    real: bool | None
    """Whether it rarely would: p below 0.05."""
    verdict: Annotated[str, Field(examples=["no real difference"])]
    """The same in words."""

    @classmethod
    def of(cls, first: models.AdapterRow, second: models.AdapterRow, found: Beside) -> Self:
        """Describe what was found of two adapters."""
        told = found.told
        shown = [
            Compared(
                adapter=row.id,
                lang=row.lang,
                version=row.version or 0,
                pairs=pairs,
                accuracy=accuracy,
                only_this_right=alone,
            )
            for row, pairs, accuracy, alone in (
                (first, found.first_pairs, told and told.first, found.only_first_right),
                (second, found.second_pairs, told and told.second, found.only_second_right),
            )
        ]
        return cls(
            first=shown[0],
            second=shown[1],
            pairs=found.common,
            premises=told and told.premises,
            same_pairs=found.same_pairs,
            difference=told and told.difference,
            interval=told and list(told.interval),
            p=told and told.p,
            real=told and told.real,
            verdict=_verdict(first, second, found),
        )


def _verdict(first: models.AdapterRow, second: models.AdapterRow, found: Beside) -> str:
    told = found.told
    if told is None:
        return NO_LABELS if found.common else NOTHING
    if not told.real:
        return "no real difference"
    better, worse = (first, second) if told.difference > 0 else (second, first)
    return f"{better.lang}@{better.version} is better than {worse.lang}@{worse.version}"
