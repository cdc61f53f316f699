"""The three labels under the spellings that data sets use."""

from __future__ import annotations

from ltp.config import Label

SPELLINGS: dict[Label, tuple[str, ...]] = {
    "entailment": ("entailment", "entails", "entail", "entailed", "e", "0", "0.0"),
    "neutral": ("neutral", "neutrality", "n", "1", "1.0"),
    "contradiction": ("contradiction", "contradictory", "contradicts", "contradict", "contradicted", "c", "2", "2.0"),
}
"""Compared without case. XNLI's translations of MultiNLI write `contradictory`, ANLI writes e, n and c, the Hugging
Face hub 0, 1 and 2 in this order; a table that once held a missing value turns these into 0.0, 1.0 and 2.0."""

UNDECIDED = {"-", "-1", "-1.0"}
"""How SNLI and MultiNLI (and the hub's copies) mark a pair on which the annotators did not agree."""

_LABEL_OF = {spelling: label for label, spellings in SPELLINGS.items() for spelling in spellings}


def parse_label(value: object) -> Label | None:
    """The label that `value` (a text, or the number 0, 1 or 2) spells, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _LABEL_OF.get(str(value).strip().casefold())
