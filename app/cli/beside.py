"""What stands beside an accuracy: what guessing gives, what the start gives, and whether the difference is real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.cli.output import percent
from ltp.comparison import REAL, beats_guessing, guessing

BETTER, ALIKE, WORSE = ">", "=", "<"
SMALLEST_P = 0.001
"""Smaller ones are not told apart."""


def against_guessing(scores: dict[str, Any] | None) -> str:
    """Guessing's accuracy with a sign before it: `> 33.3 %`."""
    if not scores:
        return "-"
    return f"{BETTER if beats_guessing(scores) else ALIKE} {percent(guessing(scores))}"


def against_start(metrics: dict[str, Any] | None) -> str:
    """The start's accuracy on the development pairs with a sign before it; `-` where it is not known."""
    start = ((metrics or {}).get("baseline") or {}).get("start")
    if not start:
        return "-"
    sign = _sign((metrics or {})["dev"]["accuracy"] - start["accuracy"], start["p"])
    return f"{sign} {percent(start['accuracy'])}"


def lines(metrics: dict[str, Any], part: str) -> Iterator[tuple[str, str]]:
    """The same with words, for one adapter's scores on one set; the start was scored on the development pairs."""
    sign, _, share = against_guessing(metrics[part]).partition(" ")
    yield "  guessing", f"{share}: {_words(sign)}"
    if part == "dev" and (told := against_start(metrics)) != "-":
        sign, _, share = told.partition(" ")
        yield "  its start", f"{share}: {_words(sign)} ({p_value(metrics['baseline']['start']['p'])})"


def _words(sign: str) -> str:
    return "no real difference" if sign == ALIKE else f"the adapter is {'better' if sign == BETTER else 'worse'}"


def p_value(p: float) -> str:
    """A p in a few digits."""
    return "p < 0.001" if p < SMALLEST_P else f"p = {p:.3f}"


def comparison_line(first: str, second: str, told: dict[str, Any]) -> str:
    """Two adapters on the same pairs, in a sentence."""
    low, high = (f"{100 * bound:+.1f}" for bound in told["interval"])
    figures = f"{100 * told['difference']:+.1f} points, 95 % interval {low} to {high}, {p_value(told['p'])}"
    if not told["real"]:
        return f"between {first} and {second} no real difference shows: {figures}"
    better, worse = (first, second) if told["difference"] > 0 else (second, first)
    return f"{better} is better than {worse}: {figures}"


def _sign(difference: float, p: float) -> str:
    if p >= REAL or not difference:
        return ALIKE
    return BETTER if difference > 0 else WORSE
