"""The outcome of a cell out of what its job published: the same as the in-process executor's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.failure import Failure
from app.cli.reproduce.requests import scored_pairs
from ltp.backbone.manifest import BackboneInfo
from ltp.config import LABELS
from ltp.reproduce.data.suite import DataFolder
from ltp.reproduce.plan.cell import Cell, DriftCell, EvaluationCell, Outcome, TicketCell, TrainingCell
from ltp.reproduce.run import outcome

if TYPE_CHECKING:
    from app.cli.client import Client

LOSSES = ("steps", "best_step", "losses")
"""Of a drift's report, what the service shows apart from it."""


def outcome_of(
    cell: Cell, resource: str, client: Client, *, backbone: BackboneInfo, data: DataFolder, folder: Path
) -> Outcome:
    """Read what `resource` holds; downloads go to `folder`."""
    match cell:
        case DriftCell():
            drift = client.get(f"/drifts/{client.get(f'/tickets/{resource}')['drift']}")
            return {**drift["report"], **{name: drift[name] for name in LOSSES}}
        case TicketCell():
            return _ticket(client, resource, backbone, folder)
        case TrainingCell():
            made = client.get(f"/adapters/{resource}")
            return outcome.of_training(
                made["metrics"]["dev"], made["training"], made["training"]["report"], size=made["bytes"]
            )
        case EvaluationCell():
            return _answers(client, resource, cell, data, folder)


def _ticket(client: Client, resource: str, backbone: BackboneInfo, folder: Path) -> Outcome:
    from ltp.ticket.mask import Ticket

    path = folder / "mask.safetensors"
    client.save(f"/tickets/{resource}/mask", path)
    return outcome.of_ticket(Ticket.load(path, backbone), backbone.shapes)


def _answers(client: Client, resource: str, cell: EvaluationCell, data: DataFolder, folder: Path) -> Outcome:
    path, scores = folder / "result.jsonl", {}
    summary = client.get(f"/predictions/{resource}")["summary"]
    if summary["precision"] != cell.precision:
        raise Failure(
            "other_precision",
            f"a worker of the service at {client.url} answered in {summary['precision']}; this experiment scores in"
            f" {cell.precision}",
            hint=f"Start its workers with LTP_PRECISION={cell.precision}: by default each measures what is faster.",
        )
    client.save(f"/predictions/{resource}/result", path)
    rows = _rows(path)
    for language, examples in scored_pairs(cell, data).items():
        own = list(islice(rows, len(examples)))
        predicted = [LABELS.index(row["label"]) for row in own]
        scores[language] = outcome.of_answers([_probabilities(row) for row in own], predicted, examples)
    return {"languages": scores, "truncated": summary["truncated"], "unknown": summary["unknown"]}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _probabilities(row: dict[str, Any]) -> Sequence[float]:
    return [float(row[label]) for label in LABELS]
