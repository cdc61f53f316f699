"""What goes into the engine and comes out of it, a pair at a time. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from ltp.text.vocabulary import TokenCount


@dataclass(frozen=True)
class PairRequest:
    """One pair for one adapter; `key` is what the engine's source knows the adapter by."""

    key: Hashable
    premise: str
    hypothesis: str


@dataclass(frozen=True)
class Prediction:
    """Probabilities in the order of LABELS; `truncated` when the pair did not fit and was cut."""

    probabilities: tuple[float, float, float]
    truncated: bool
    tokens: TokenCount
    """Of both texts as they were read, and how many of them are `<unk>`."""

    @property
    def finite(self) -> bool:
        """Whether there is an answer."""
        return math.isfinite(sum(self.probabilities))
