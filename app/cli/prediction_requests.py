"""Predictions of many pairs: requests of bounded size, in order, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.cli.client import Client, failures
from app.cli.output import percent
from app.cli.progress import progress_display
from ltp_client.pairs import counted_from
from ltp_client.routing import routing

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
    target_accuracy: float | None = None

    @property
    def may_abstain(self) -> bool:
        """Whether answers are marked that are not sure enough."""
        return self.min_confidence is not None or self.target_accuracy is not None

    def body(self, pairs: Sequence[dict[str, str]]) -> dict[str, Any]:
        """The request for these pairs."""
        return {**self.shared(), "pairs": list(pairs)}

    def shared(self) -> dict[str, Any]:
        """What holds for every pair, as a request says it."""
        told = {
            "adapter": self.adapter,
            "fallback": self.fallback,
            "min_confidence": self.min_confidence,
            "target_accuracy": self.target_accuracy,
            "as": self.answered_as,
        }
        return {name: value for name, value in told.items() if value is not None}


def predict_pairs(
    client: Client,
    request: PredictionOptions,
    pairs: Sequence[dict[str, str]],
    *,
    thresholds: dict[str, dict[str, Any]] | None = None,
) -> Iterator[dict[str, Any]]:
    """One prediction a pair, in order; `thresholds` takes what a target accuracy came to, by the adapter's name."""
    with progress_display("predict") as shown:
        shown.update("pairs", 0, len(pairs))
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            with failures(), counted_from(start):
                body = request.body(batch)
                answer = client.connection.post("/predict", body, headers=routing(body))
            if thresholds is not None:
                thresholds |= {named(each["adapter"]): each for each in answer.get("thresholds") or ()}
            yield from answer["predictions"]
            shown.update("pairs", start + len(batch), len(pairs))


def named(adapter: dict[str, Any]) -> str:
    """An adapter's language and version."""
    return f"{adapter['lang']}@{adapter['version']}"


def threshold_line(threshold: dict[str, Any]) -> str:
    """A sentence for what a target accuracy came to."""
    return (
        f"{named(threshold['adapter'])}: answers below {percent(threshold['min_confidence'])} are left open; of the"
        f" pairs that it was measured on {percent(threshold['answered'])} are answered so,"
        f" {percent(threshold['accuracy'])} of them rightly"
    )


def own_address(pair: FilePair | Example) -> dict[str, str]:
    """The adapter that a row of a file names, as a pair of a request names it."""
    if pair.adapter:
        return {"adapter": pair.adapter}
    return {"lang": pair.lang} if pair.lang else {}
