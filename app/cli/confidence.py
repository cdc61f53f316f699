"""Answers that are not sure enough, at the keyboard: the options, and the score of those that are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import percent

if TYPE_CHECKING:
    from numpy import bool_
    from numpy.typing import NDArray

MinConfidence = Annotated[
    float | None, typer.Option(min=0, max=1, help="Mark answers whose probability is below it.", show_default=False)
]
TargetAccuracy = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Mark as many unsure answers as it takes for this share of the others to be right.",
        show_default=False,
    ),
]


def answered(predictions: Sequence[dict[str, Any]], right: NDArray[bool_]) -> dict[str, Any]:
    """How many pairs were answered surely enough, and how many of these rightly."""
    sure = [not given["abstained"] for given in predictions]
    count = sum(sure)
    return {"pairs": count, "share": count / len(sure), "accuracy": float(right[sure].mean()) if count else None}


def answered_line(told: dict[str, Any]) -> str:
    """The same in words."""
    if told["accuracy"] is None:
        return "no answer is as sure as was asked for"
    return (
        f"{told['pairs']:,} pairs ({percent(told['share'])}) are answered as surely as was asked for,"
        f" {percent(told['accuracy'])} of them rightly"
    )
