"""How an adapter answers a test file, and what its calibration changes of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.config import LABELS, Precision
from ltp.engine.engine import Engine
from ltp.engine.pairs import PairRequest
from ltp.metrics import score
from ltp.progress import Progress, ProgressCallback
from ltp.text.examples import Example
from ltp.ticket.mask import Ticket

PAIRS_AT_A_TIME = 128
KEY = "scored"
SMALLEST = 1e-12
"""A probability of zero counts as this in a log loss, which would be infinite."""

Floats = NDArray[np.float64]


def score_file(
    backbone: Backbone,
    adapter: Adapter,
    ticket: Ticket | None,
    examples: Sequence[Example],
    *,
    precision: Precision,
    progress: ProgressCallback,
    device: str,
) -> dict[str, Any]:
    """Scores and answers as the engine gives them; `raw` are ECE and log loss before the adapter's calibration."""
    engine = Engine(backbone, source=lambda _: (adapter, ticket), precision=precision, device=device)
    answers: list[tuple[float, ...]] = []
    for begin in range(0, len(examples), PAIRS_AT_A_TIME):
        part = examples[begin : begin + PAIRS_AT_A_TIME]
        given = engine.predict([PairRequest(KEY, pair.premise, pair.hypothesis) for pair in part])
        answers += [answer.probabilities for answer in given]
        progress(Progress("scoring", len(answers), len(examples)))
    probabilities: Floats = np.array(answers)  # (N, 3)
    truth = np.array([LABELS.index(example.label) for example in examples if example.label])  # (N,)
    return _scores(probabilities, truth) | {"raw": _certainty(_uncalibrated(probabilities, adapter), truth)}


def _scores(probabilities: Floats, truth: NDArray[np.int64]) -> dict[str, Any]:
    metrics = score(probabilities, truth)
    predicted = "".join(map(str, probabilities.argmax(1)))
    plain = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1, "pairs": len(truth), "predicted": predicted}
    return plain | _certainty(probabilities, truth)


def _certainty(probabilities: Floats, truth: NDArray[np.int64]) -> dict[str, float]:
    """ECE, and the mean negative log probability of the truth."""
    right = probabilities[np.arange(len(truth)), truth]
    loss = -np.log(np.maximum(right, SMALLEST)).mean()
    return {"ece": score(probabilities, truth).ece, "loss": float(loss)}


def _uncalibrated(probabilities: Floats, adapter: Adapter) -> Floats:
    """The probabilities before calibration: its inverse, which the sum of one pins down."""
    fitted = adapter.calibration
    if fitted is None:
        return probabilities
    logits = (np.log(np.maximum(probabilities, SMALLEST)) - np.array(fitted.bias)) * fitted.temperature
    raw = np.exp(logits - logits.max(1, keepdims=True))
    uncalibrated: Floats = raw / raw.sum(1, keepdims=True)
    return uncalibrated
