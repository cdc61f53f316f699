"""The numbers behind a cross-fitted adapter: quality with an interval, baselines, calibration and its curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats
from ltp.adapter.crossfit.fitting import log_losses
from ltp.adapter.crossfit.interval import share_interval
from ltp.adapter.crossfit.judged import Judged
from ltp.answered_share import curve
from ltp.calibration import Calibration
from ltp.comparison import guessing, p_value
from ltp.config import LabelSpace
from ltp.metrics import expected_calibration_error, score


def chances(logits: Floats) -> Floats:
    """The softmax of (N, K)."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def quality(logits: Floats, judged: Judged, space: LabelSpace, *, optimism: float, moved: float) -> dict[str, Any]:
    """Score out-of-fold answers; the interval knows of premises and of what was chosen by the same answers."""
    hits = logits.argmax(1) == judged.labels
    return score(chances(logits), judged.labels, space).as_dict() | {
        "loss": float(log_losses(logits, judged.labels).mean()),
        "interval": list(share_interval(hits, judged.groups, optimism=optimism, moved=moved)),
        "selected_on": True,
        "estimated": "cross_fitted",
    }


def baselines(score: dict[str, Any], logits: Floats, start: Floats | None, judged: Judged) -> dict[str, Any]:
    """What guessing gives where `score` was reached by `logits`, and the start; `p` of the difference to it."""
    found: dict[str, Any] = {"guessing": guessing(score)}
    if start is not None:
        before, after = (answers.argmax(1) == judged.labels for answers in (start, logits))
        p = p_value(after, before, judged.groups.tolist())
        found["start"] = {"accuracy": float(before.mean()), "p": p}
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
        "curve": curve(chances(calibrated), judged.labels),
    }


def _confidence(logits: Floats, labels: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
    return chances(logits).max(1), logits.argmax(1) == labels
