"""Whether pairs that are scored were trained on: then their accuracy says nothing of others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.cli.failure import Failure
from app.cli.prediction_requests import named

if TYPE_CHECKING:
    from app.cli.client import Client
    from ltp.text.examples import Example

MOST_PAIRS = 20_000
"""Training pairs that are fetched to be compared; with more, nothing is said."""
MOST_ADAPTERS = 4
PARTS = {"train": "also stand in what {name} was trained on", "dev": "also stand among those that chose {name}'s epoch"}


def seen_before(client: Client, examples: Sequence[Example], predictions: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A sentence for each adapter and part of its data that holds some of the pairs that it answered."""
    names = {given["adapter"]["id"]: named(given["adapter"]) for given in predictions}
    for adapter, name in list(names.items())[:MOST_ADAPTERS]:
        asked = [
            example.pair_key
            for example, given in zip(examples, predictions, strict=True)
            if given["adapter"]["id"] == adapter
        ]
        counts = client.get(f"/adapters/{adapter}")["examples"] or {}
        for part, words in PARTS.items():
            if not 0 < (counts.get(part) or 0) <= MOST_PAIRS:
                continue
            kept = _kept(client, adapter, part)
            if again := sum(pair in kept for pair in asked):
                flatters = f"{again} of {len(asked)} pairs {words.format(name=name)}"
                yield f"{flatters}: how it does on pairs that it has not seen is told by others alone"


def _kept(client: Client, adapter: str, part: str) -> set[tuple[str, str]]:
    """The pairs as they are compared; none where they are not kept, or are not the caller's to see."""
    from ltp.text.examples.example import comparable

    try:
        with client.stream(f"/adapters/{adapter}/examples", part=part, format="jsonl") as response:
            rows = [json.loads(line) for line in response.iter_lines() if line.strip()]
    except Failure as failure:
        if failure.code != "pairs_not_kept":
            raise
        return set()
    return {(comparable(row["premise"]), comparable(row["hypothesis"])) for row in rows}
