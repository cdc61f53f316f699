"""A cell as a request of the public API: drifts and tickets, adapters, files of pairs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, TicketCell, TrainingCell
from ltp.text.examples import Example

APART = "x-paper"
"""Private-use part of the tags under which adapters are kept: an adapter of `en-x-paper` never answers for `en`."""
ANY_RATIO = 0.2
"""A drift is asked for with a ticket; the experiment's own tickets are selected from it afterwards."""
Resource = Callable[[Cell], str]
"""The service's id of what a finished cell left there."""


@dataclass(frozen=True)
class CellRequest:
    """What to POST. `files` hold what goes along as multipart parts."""

    path: str
    resource: str
    """The name of what it makes in the answer."""
    body: dict[str, Any]
    files: dict[str, Path] = field(default_factory=dict)


def request_for(cell: Cell, made: Resource, *, data: DataFolder, sentences: Sequence[str], folder: Path) -> CellRequest:
    """Make the request for a cell. `made` gives the ids of what it needs; files are written into `folder`."""
    match cell:
        case DriftCell():
            corpus = folder / "corpus.txt"
            corpus.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")
            body = {"active_ratio": ANY_RATIO, "strategy": cell.strategy, "mlm": asdict(cell.config)}
            return CellRequest("/tickets", "ticket", {"name": cell.id, **body}, {"corpus": corpus})
        case TicketCell():
            return CellRequest(
                "/tickets", "ticket", {"name": cell.id, "drift": made(cell.drift), **asdict(cell.config)}
            )
        case TrainingCell():
            return CellRequest("/adapters", "adapter", _training(cell, made, data))
        case EvaluationCell():
            pairs = folder / "pairs.jsonl"
            rows = [_pair(example) for examples in scored_pairs(cell, data).values() for example in examples]
            pairs.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
            return CellRequest("/predictions", "prediction", {"adapter": made(cell.training)}, {"file": pairs})


def scored_pairs(cell: EvaluationCell, data: DataFolder) -> dict[str, Sequence[Example]]:
    """The pairs that are scored, by language, in the order they are sent."""
    suite = data.suite(cell.suite)
    return {language: suite.file("test", language).examples[: cell.pairs] for language in cell.languages}


def _training(cell: TrainingCell, made: Resource, data: DataFolder) -> dict[str, Any]:
    train, dev = cell.draw.examples(data.suite(cell.draw.suite).file("dev", cell.draw.language))
    return {
        "name": cell.id,
        "lang": f"{cell.draw.language}-{APART}",
        "method": cell.method,
        "ticket": made(cell.ticket) if cell.ticket else None,
        "start": None,
        "training": asdict(cell.config),
        "examples": [_labelled(example) for example in train],
        "dev_examples": [_labelled(example) for example in dev],
    }


def _pair(example: Example) -> dict[str, str]:
    return {"premise": example.premise, "hypothesis": example.hypothesis}


def _labelled(example: Example) -> dict[str, Any]:
    return {**_pair(example), "label": example.label}
