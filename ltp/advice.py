"""What to try next with an adapter that is no better than guessing, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FEW_PAIRS = 300
"""Labelled pairs below which more of them help most."""
MANY_UNKNOWN = 0.05
"""Share of pairs with words that the vocabulary lacks from which on it is worth saying."""


@dataclass(frozen=True)
class Situation:
    """What is known of an adapter and where it came from."""

    lang: str
    pairs: int | None = None
    """That it was trained on; None where nobody knows."""
    started: bool = False
    """Whether training began from another adapter."""
    starter: bool = False
    """Whether there is a starter to begin from."""
    has_text: bool = False
    """Whether text of the language went into it."""
    unknown: float = 0.0
    """Share of the pairs with words that the vocabulary does not have."""


def next_steps(situation: Situation) -> list[str]:
    """Return what to try, the likeliest to help first."""
    return list(_steps(situation))


def _steps(situation: Situation) -> Iterator[str]:
    lang = situation.lang
    if not situation.started:
        which, reference = (
            ("the starter, which", "starter") if situation.starter else ("another language's adapter that", "OTHER")
        )
        yield f"start from {which} knows the task already: ltp adapter train FILE --lang {lang} --start {reference}"
    yield "check that the labels mean what they say: ltp data check FILE shows how they were read, and contradictions"
    if situation.pairs is None or situation.pairs < FEW_PAIRS:
        few = "" if situation.pairs is None else f" ({situation.pairs} were trained on)"
        yield f"label more pairs{few}: ltp data next POOL --adapter {lang} says which"
    if not situation.has_text:
        yield f"give it text of the language, a few hundred lines or more: ltp language adapt {lang} TEXT"
    if situation.unknown > MANY_UNKNOWN:
        yield "many pairs hold words that the vocabulary lacks: write them in another script, or take another backbone"
