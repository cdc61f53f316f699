"""One measured comparison: what we took, what the peer took, the ratio, and whether it reaches its goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal, Self

from bench.side import Measured

Goal = Literal["at least", "at most"]


@dataclass(frozen=True)
class Figure:
    """A row of the report. Without a peer `ours` itself is held to the goal, and `ratio` is null."""

    line: int
    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    goal: str
    met: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Spread and peak memory of both sides, what the peer is and with which settings, and whatever explains the row."""

    @classmethod
    def compared(
        cls, line: int, name: str, unit: str, *, ours: float, peer: float, goal: Goal, limit: float, **detail: Any
    ) -> Self:
        """Hold ours / peer to the limit: a rate `at least`, a size or a time `at most`."""
        ratio = ours / peer
        return cls(line, name, ours, peer, unit, ratio, f"{goal} {limit:g}x", reached(ratio, goal, limit), detail)

    @classmethod
    def faster(
        cls, line: int, name: str, ours: Measured, peer: Measured, *, unit: str, limit: float, **detail: Any
    ) -> Self:
        """Compare rates: units of work a second, by the median run of each side."""
        detail = {"our_runs": ours.summary(), "peer_runs": peer.summary(), **detail}
        return cls.compared(
            line, name, f"{unit}/s", ours=ours.rate, peer=peer.rate, goal="at least", limit=limit, **detail
        )

    @classmethod
    def leaner(cls, line: int, name: str, ours: Measured, peer: Measured, *, limit: float, **detail: Any) -> Self:
        """Compare the peak memory of the two processes."""
        return cls.compared(
            line,
            name,
            "MB peak RSS",
            ours=ours.peak_rss_mb,
            peer=peer.peak_rss_mb,
            goal="at most",
            limit=limit,
            **detail,
        )

    @classmethod
    def absolute(
        cls, line: int, name: str, unit: str, value: float, *, goal: Goal, limit: float, **detail: Any
    ) -> Self:
        """Hold a figure of our own to a bound."""
        return cls(line, name, value, None, unit, None, f"{goal} {limit:g} {unit}", reached(value, goal, limit), detail)


def reached(value: float, goal: Goal, limit: float) -> bool:
    """Tell whether a value is on the right side of its limit."""
    return value >= limit if goal == "at least" else value <= limit


def middle(values: list[float]) -> float:
    """Median."""
    return float(median(values))
