"""How good a classifier's probabilities are: accuracy with its interval, macro F1, per label, confusion, calibration.

Imports numpy only. Classes stand in the order of the label space they are of. Macro F1 is the mean over the labels that
occur in the truth: a label that nothing is has no recall, and would only be counted as 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.config import LABEL_SPACES, Label, LabelSpace

NORMAL_95 = 1.959963984540054
"""The standard normal's 97.5 % quantile: two-sided 95 %."""
ECE_BINS = 15
"""Equal-width confidence bins (Guo et al. 2017)."""


@dataclass(frozen=True)
class LabelMetrics:
    """One label against the others; a ratio with an empty denominator is 0."""

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
    macro_f1_over: list[Label]
    """The labels it is the mean over: those that occur in the truth."""
    ece: float
    per_label: dict[str, LabelMetrics]
    confusion: list[list[int]]
    pairs: int
    label_space: LabelSpace = "three_way"

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "interval": list(self.interval)}


def score(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], label_space: LabelSpace = "three_way"
) -> Metrics:
    """Score (N, K) probabilities against (N,) labels below K, N at least 1; the prediction is the first largest.

    Raises:
        ValueError: the shapes disagree, nothing is given, or a value is no probability or no label.
    """
    exact, names = np.asarray(probabilities, np.float64), LABEL_SPACES[label_space]
    classes = len(names)
    _check(exact, labels, classes)
    predicted = exact.argmax(1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    per_label: dict[str, LabelMetrics] = {name: _label_metrics(confusion, index) for index, name in enumerate(names)}
    occurring = [name for name in names if per_label[name].support]
    correct = int(confusion.trace())
    return Metrics(
        accuracy=correct / len(labels),
        interval=wilson(correct, len(labels)),
        macro_f1=sum(per_label[name].f1 for name in occurring) / len(occurring),
        macro_f1_over=occurring,
        ece=expected_calibration_error(exact.max(1), predicted == labels),
        per_label=per_label,
        confusion=confusion.tolist(),
        pairs=len(labels),
        label_space=label_space,
    )


def _check(probabilities: NDArray[np.float64], labels: NDArray[np.integer], classes: int) -> None:
    if labels.ndim != 1 or not len(labels) or probabilities.shape != (len(labels), classes):
        raise ValueError(
            f"probabilities {probabilities.shape} and labels {labels.shape} must be (N, {classes}) and (N,), N > 0"
        )
    if not np.isin(labels, range(classes)).all():
        raise ValueError(f"labels must be 0 to {classes - 1}")
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
    gaps = np.bincount(_bins(confidence), weights=correct - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """A reliability diagram: the bins of the calibration error that are not empty, with their pairs and means."""
    bins = _bins(confidence)
    return [
        {
            "low": round(number / ECE_BINS, 6),
            "high": round((number + 1) / ECE_BINS, 6),
            "pairs": int((bins == number).sum()),
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(correct[bins == number].mean()),
        }
        for number in np.unique(bins).tolist()
    ]


def _bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each answer."""
    return np.asarray(np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1))
