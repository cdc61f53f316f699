"""Predictions of many pairs: requests of bounded size, in order, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.cli.client import Client
from app.cli.progress import progress_display

if TYPE_CHECKING:
    from ltp.text.examples import Example, FilePair

BATCH = 64
"""Pairs a request; well below the service's own limit, and large enough that a request costs little."""


@dataclass(frozen=True)
class PredictionOptions:
    """What all pairs of a request have in common: the adapter, and what to do without one or without confidence."""

    adapter: str | None
    fallback: str | None = None
    min_confidence: float | None = None
    answered_as: str | None = None
    """The label space of every answer; None: as the adapters were trained."""

    def body(self, pairs: Sequence[dict[str, str]]) -> dict[str, Any]:
        """The request for these pairs."""
        return {**self.shared(), "pairs": list(pairs)}

    def shared(self) -> dict[str, Any]:
        """What holds for every pair, as a request says it."""
        told = {"adapter": self.adapter, "fallback": self.fallback, "min_confidence": self.min_confidence}
        return {name: value for name, value in {**told, "as": self.answered_as}.items() if value is not None}


def predict_pairs(
    client: Client, request: PredictionOptions, pairs: Sequence[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    """One prediction a pair, in order."""
    with progress_display("predict") as shown:
        shown.update("pairs", 0, len(pairs))
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            yield from client.post("/predict", request.body(batch))["predictions"]
            shown.update("pairs", start + len(batch), len(pairs))


def own_address(pair: FilePair | Example) -> dict[str, str]:
    """The adapter that a row of a file names, as a pair of a request names it."""
    if pair.adapter:
        return {"adapter": pair.adapter}
    return {"lang": pair.lang} if pair.lang else {}
