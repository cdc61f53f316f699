"""How accurate an adapter is on the pairs that it is surest of: the curve kept with it, and what a target asks for.

Each point says: with answers below `threshold` left out, `answered` is the share that remains, and `accuracy` how many
of these are right. Imports numpy only. Dimensions: N pairs, K labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltp.metrics import reliability

MOST_POINTS = 21
"""A point for each twentieth of the pairs."""
LEAST_ANSWERED = 10
"""Pairs behind a point; fewer say nothing about a share."""
DIGITS = 6


class Point(NamedTuple):
    """What a threshold gives."""

    threshold: float
    answered: float
    accuracy: float


def curve(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> list[dict[str, float]]:
    """Return the points for (N, K) probabilities of pairs that no training saw, and their (N,) labels.

    The first answers everything. Accuracy never falls as the threshold rises: where the surer half of some answers is
    no righter than the other, both count alike (isotonic regression), since a handful of pairs decides each point.
    """
    confidence = probabilities.max(1).astype(np.float64)
    order = np.argsort(confidence, kind="stable")
    confidence = confidence[order]  # (N,), ascending
    right = _isotonic((probabilities.argmax(1) == labels)[order].astype(np.float64))
    points: dict[int, Point] = {}
    for share in range(MOST_POINTS - 1, 0, -1):
        start = len(order) - round(len(order) * share / (MOST_POINTS - 1))
        first = int(np.searchsorted(confidence, confidence[min(start, len(order) - 1)])) if start else 0
        if len(order) - first >= LEAST_ANSWERED or not first:
            points.setdefault(first, _point(confidence, right, first))
    return [point._asdict() for point in points.values()]


def certainty(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, Any]:
    """How far such probabilities can be trusted: how many `pairs`, their `reliability` diagram, and this `curve`."""
    confidence, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == labels
    return {
        "pairs": len(labels),
        "reliability": reliability(confidence, right),
        "curve": curve(probabilities, labels),
    }


def _point(confidence: NDArray[np.float64], right: NDArray[np.float64], first: int) -> Point:
    threshold = float(np.floor(confidence[first] * 10**DIGITS) / 10**DIGITS) if first else 0.0
    answered = (len(right) - first) / len(right)
    return Point(threshold, round(answered, DIGITS), round(float(right[first:].mean()), DIGITS))


def _isotonic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest values that never fall: neighbours that do are replaced by their mean (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for value in values.tolist():
        total, size = value, 1
        while blocks and blocks[-1][0] * size >= total * blocks[-1][1]:
            before = blocks.pop()
            total, size = total + before[0], size + before[1]
        blocks.append((total, size))
    return np.repeat([total / size for total, size in blocks], [size for _, size in blocks])


def read(points: Sequence[Mapping[str, float]]) -> list[Point]:
    """The points of a curve as it was kept."""
    return [Point(point["threshold"], point["answered"], point["accuracy"]) for point in points]


def reaching(points: Sequence[Point], target: float) -> Point | None:
    """The point that answers most pairs at this accuracy or a higher one; None where none reaches it."""
    return max((point for point in points if point.accuracy >= target), key=lambda point: point.answered, default=None)


def best(points: Sequence[Point]) -> Point:
    """The most accurate point, the one that answers most of several."""
    return max(points, key=lambda point: (point.accuracy, point.answered))
