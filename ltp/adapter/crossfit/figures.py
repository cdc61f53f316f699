"""The numbers behind a cross-fitted adapter: quality with an interval, baselines, calibration and its curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats, paired_p
from ltp.adapter.crossfit.fitting import log_losses
from ltp.adapter.crossfit.interval import share_interval
from ltp.adapter.crossfit.judged import Judged
from ltp.calibration import Calibration
from ltp.config import LabelSpace
from ltp.metrics import expected_calibration_error, score

POINTS = 20
"""Of the curve of answered shares: a twentieth of the pairs from one to the next."""


def chances(logits: Floats) -> Floats:
    """The softmax of (N, K)."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def quality(logits: Floats, judged: Judged, space: LabelSpace, *, optimism: float) -> dict[str, Any]:
    """Score out-of-fold answers; the interval knows of premises and of what was chosen by the same answers."""
    hits = logits.argmax(1) == judged.labels
    return score(chances(logits), judged.labels, space).as_dict() | {
        "loss": float(log_losses(logits, judged.labels).mean()),
        "interval": list(share_interval(hits, judged.groups, optimism=optimism)),
        "selected_on": True,
        "estimated": "cross_fitted",
    }


def baselines(logits: Floats, start: Floats | None, judged: Judged) -> dict[str, Any]:
    """What guessing the most frequent label gives, and the start; `p` is the chance of such a difference by luck."""
    found: dict[str, Any] = {"guessing": float(np.bincount(judged.labels).max() / judged.count)}
    if start is not None:
        before, after = (answers.argmax(1) == judged.labels for answers in (start, logits))
        found["start"] = {"accuracy": float(before.mean()), "p": paired_p(after, before, judged.groups)}
    return found


def calibration_figures(raw: Floats, calibrated: Floats, fit: Calibration | None, judged: Judged) -> dict[str, Any]:
    """Calibration error before and after, on premises it was not fitted on, and the curve of answered shares."""
    before, after = (_confidence(logits, judged.labels) for logits in (raw, calibrated))
    classes = raw.shape[1]
    return {
        "temperature": 1.0 if fit is None else fit.temperature,
        "bias": [0.0] * classes if fit is None else list(fit.bias),
        "ece_before": expected_calibration_error(*before),
        "ece_after": expected_calibration_error(*after),
        "curve": curve(*after),
    }


def _confidence(logits: Floats, labels: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
    return chances(logits).max(1), logits.argmax(1) == labels


def curve(confidence: Floats, correct: NDArray[np.bool_]) -> Sequence[dict[str, float]]:
    """Which share is answered, and how well, by least confidence: at most 20 points, from all pairs on."""
    steps = np.quantile(confidence, np.arange(1, POINTS) / POINTS)
    points = []
    for threshold in [0.0, *np.unique(steps)]:
        answered = confidence >= threshold
        points.append(
            {
                "threshold": float(threshold),
                "answered": float(answered.mean()),
                "accuracy": float(correct[answered].mean()),
            }
        )
    return points
