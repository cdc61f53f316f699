"""How good a classifier's probabilities are: accuracy with its interval, macro F1, per label, confusion, calibration.

Imports numpy only. Classes stand in the order of `ltp.config.LABELS`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.config import LABELS

NORMAL_95 = 1.959963984540054
"""The standard normal's 97.5 % quantile: two-sided 95 %."""
ECE_BINS = 15
"""Equal-width confidence bins (Guo et al. 2017)."""


@dataclass(frozen=True)
class LabelMetrics:
    """One label against the other two; a ratio with an empty denominator is 0."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Metrics:
    """`confusion[gold][predicted]` counts pairs; `interval` is accuracy's 95 % (Wilson) interval."""

    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    ece: float
    per_label: dict[str, LabelMetrics]
    confusion: list[list[int]]
    pairs: int

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "interval": list(self.interval)}


def score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Metrics:
    """Score (N, 3) probabilities against (N,) labels 0-2, N at least 1; the prediction is the first largest.

    Raises:
        ValueError: the shapes disagree, nothing is given, or a value is no probability or no label.
    """
    exact = np.asarray(probabilities, np.float64)
    _check(exact, labels)
    predicted = exact.argmax(1)
    classes = len(LABELS)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    per_label: dict[str, LabelMetrics] = {name: _label_metrics(confusion, index) for index, name in enumerate(LABELS)}
    correct = int(confusion.trace())
    return Metrics(
        accuracy=correct / len(labels),
        interval=wilson(correct, len(labels)),
        macro_f1=sum(label.f1 for label in per_label.values()) / classes,
        ece=expected_calibration_error(exact.max(1), predicted == labels),
        per_label=per_label,
        confusion=confusion.tolist(),
        pairs=len(labels),
    )


def _check(probabilities: NDArray[np.float64], labels: NDArray[np.integer]) -> None:
    if labels.ndim != 1 or not len(labels) or probabilities.shape != (len(labels), len(LABELS)):
        raise ValueError(
            f"probabilities {probabilities.shape} and labels {labels.shape} must be (N, 3) and (N,), N > 0"
        )
    if not np.isin(labels, range(len(LABELS))).all():
        raise ValueError(f"labels must be 0 to {len(LABELS) - 1}")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all() or np.abs(probabilities.sum(1) - 1).max() > 1e-3:
        raise ValueError("every row of probabilities must be non-negative and sum to 1")


def _label_metrics(confusion: NDArray[np.integer], index: int) -> LabelMetrics:
    hits, gold, predicted = int(confusion[index, index]), int(confusion[index].sum()), int(confusion[:, index].sum())
    return LabelMetrics(
        precision=hits / predicted if predicted else 0.0,
        recall=hits / gold if gold else 0.0,
        f1=2 * hits / (gold + predicted) if gold + predicted else 0.0,
        support=gold,
    )


def wilson(correct: int, total: int) -> tuple[float, float]:
    """95 % score interval of a proportion (Wilson 1927); stays inside [0, 1] and is honest at 0 and 1."""
    share, z2 = correct / total, NORMAL_95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    reach = NORMAL_95 / (1 + z2 / total) * sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return (0.0 if correct == 0 else centre - reach), (1.0 if correct == total else centre + reach)


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Mean |accuracy - confidence| over 15 equal-width bins ((i/15, (i+1)/15]), weighted by the pairs in each."""
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))
