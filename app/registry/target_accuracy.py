"""What accuracy is asked for, resolved on each adapter's curve into the confidence from which on it answers.

The curve is `metrics.calibration.curve` of the adapter's row, measured on pairs that no training saw, see
`ltp.answered_share`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import FieldError, InvalidRequest
from app.registry.aliases import ResolvedAdapter
from app.storage.models import AdapterRow
from ltp.answered_share import Point, best, reaching, read

KEPT = "thresholds"
"""Where a prediction's request keeps what its target came to, by the adapter's id."""
INSTEAD = "leave target_accuracy out, or give min_confidence"


def thresholds(
    session: Session, adapters: Iterable[ResolvedAdapter], target: float, *, two_way: bool
) -> dict[str, Point]:
    """Return each adapter's point by its id.

    Raises:
        InvalidRequest: an adapter has no curve, or it never reaches the target, or it was measured on something else:
            another language, or three labels where two are asked for.
    """
    asked = {adapter.id: adapter for adapter in adapters}
    rows = session.execute(select(AdapterRow.id, AdapterRow.metrics).where(AdapterRow.id.in_(asked)))
    metrics = {row.id: row.metrics for row in rows}
    return {key: _point(adapter, metrics.get(key) or {}, target, two_way=two_way) for key, adapter in asked.items()}


def _point(adapter: ResolvedAdapter, metrics: Mapping[str, Any], target: float, *, two_way: bool) -> Point:
    name = f"{adapter.lang}@{adapter.version}"
    if adapter.fallback:
        raise _refused(f"{name} stands in for a language that its accuracy was not measured on; {INSTEAD}")
    if two_way and adapter.label_space == "three_way":
        raise _refused(f"the accuracy of {name} was measured on three labels; leave out `as`, or {INSTEAD}")
    points = curve_of(metrics)
    if not points:
        raise _refused(
            f"{name} has no curve from confidence to accuracy: training measures one, since there are any; {INSTEAD}"
        )
    point, most = reaching(points, target), best(points)
    if point is None:
        told = f"{most.accuracy:.0%} at most, on the {most.answered:.0%} of the pairs that it is surest of"
        raise _refused(f"{name} does not reach {target:.0%}: it is right in {told}; ask for less, or label more pairs")
    return point


def curve_of(metrics: Mapping[str, Any]) -> list[Point]:
    """The curve that is kept with an adapter's scores; empty where there is none."""
    return read((metrics.get("calibration") or {}).get("curve") or [])


def settled(session: Session, request: dict[str, Any], adapters: Iterable[ResolvedAdapter]) -> dict[str, Any]:
    """Return a prediction's request with what its target comes to for each adapter, if it has one. See `thresholds`."""
    target = request.get("target_accuracy")
    if target is None:
        return request
    points = thresholds(session, adapters, target, two_way=request.get("as") == "two_way")
    return {**request, KEPT: {key: point._asdict() for key, point in points.items()}}


def kept_thresholds(request: Mapping[str, Any]) -> dict[str, Point]:
    """Each adapter's point as a prediction's request keeps it; empty where no target was asked for."""
    return {key: Point(**point) for key, point in (request.get(KEPT) or {}).items()}


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(f"target_accuracy: {message}", fields=[FieldError("target_accuracy", message)])
