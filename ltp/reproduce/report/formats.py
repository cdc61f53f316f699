"""How figures are written: accuracies and shares in per cent, differences with their sign, durations."""

from __future__ import annotations

from ltp.reproduce.plan.grid import Track
from ltp.reproduce.plan.rates import format_rate
from ltp.reproduce.report.statistics import Interval, Spread

MINUTE, HOUR = 60, 3600


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent, without the sign: `41.2`."""
    return f"{100 * share:.{digits}f}"


def signed(share: float, digits: int = 1) -> str:
    """A difference of shares in percentage points: `+0.8`, `−0.8`."""
    return f"{100 * share:+.{digits}f}".replace("-", "−")


def spread(value: Spread) -> str:
    """Mean and sample deviation: `41.2 ± 1.3`; the mean alone for one seed."""
    return percent(value.mean) + (f" ± {percent(value.sd)}" if value.sd is not None else "")


def interval(value: Interval) -> str:
    """`[38.5, 44.1]`, in per cent."""
    return f"[{percent(value.low)}, {percent(value.high)}]".replace("-", "−")


def duration(seconds: float) -> str:
    """`43 s`, `12 min`, `2 h 5 min`."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    hours, rest = divmod(round(seconds / MINUTE), MINUTE)
    return f"{hours} h {rest} min"


def count(number: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def track(which: Track, paper_rate: float) -> str:
    """Which learning rate a table is at."""
    if which == "paper":
        return f"every method at the paper's learning rate, {format_rate(paper_rate)}"
    return "each method at its own best learning rate"
