"""Outcomes of finished cells, made of tickets, reports and probabilities: the same wherever a cell was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ltp.backbone.architecture import Shapes, layer_of
from ltp.config import LABELS
from ltp.metrics import score
from ltp.reproduce.plan.cell import Outcome
from ltp.text.examples import Example

if TYPE_CHECKING:
    from ltp.ticket.mask import Ticket

EMBEDDINGS = 0
"""The embeddings' place among the layers (`layer_of`)."""
COUNTS = ("active", "selectable", "moved", "zero_drift", "sha256")
DEV_SCORES = ("accuracy", "loss", "macro_f1", "interval")
TEST_SCORES = ("accuracy", "macro_f1", "ece", "interval")
RATES = ("learning_rate", "prompt_learning_rate")
REPORTED = ("best_epoch", "examples", "truncated", "unknown", "parameters", "steps")


def of_ticket(ticket: Ticket, model: Shapes) -> Outcome:
    """Counts, where the active parameters are, and the embeddings' own share of the model and of what is unfrozen."""
    shares = {"model": _embeddings(model), "unfrozen": _embeddings(ticket.shapes)}
    counts = {name: getattr(ticket, name) for name in COUNTS}
    return {**counts, "embeddings_own_share": shares, "distribution": ticket.distribution()}


def of_training(
    dev: Mapping[str, Any], training: Mapping[str, Any], report: Mapping[str, Any], *, size: int
) -> Outcome:
    """Scores on the development examples, the rates as they were used, what the run noted, and the adapter's bytes."""
    facts = {name: report[name] for name in REPORTED if name in report}
    rates = {name: training[name] for name in RATES}
    return {"dev": {name: dev[name] for name in DEV_SCORES}, **rates, **facts, "bytes": size}


def of_answers(probabilities: Sequence[Sequence[float]], predicted: Sequence[int], gold: Sequence[Example]) -> Outcome:
    """One language's scores and predictions out of (N, 3) probabilities and the N labels that were answered."""
    answers: NDArray[np.float64] = np.array(probabilities)  # (N, 3)
    truth = np.array([LABELS.index(example.label) for example in gold if example.label])  # (N,)
    metrics = score(answers, truth).as_dict()
    scores = {name: metrics[name] for name in TEST_SCORES}
    scores["macro_f1"] = sum(metrics["per_label"][label]["f1"] for label in LABELS) / len(LABELS)  # the paper's labels
    return scores | {"pairs": len(gold), "predicted": "".join(map(str, predicted))}


def _embeddings(shapes: Shapes) -> float:
    """The embeddings' share of the parameters that belong to the embeddings or a layer."""
    sizes = {name: prod(shape) for name, shape in shapes.items() if layer_of(name) is not None}
    within = sum(size for name, size in sizes.items() if layer_of(name) == EMBEDDINGS)
    return within / max(1, sum(sizes.values()))
