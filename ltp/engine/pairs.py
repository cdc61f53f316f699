"""What goes into the engine and comes out of it, a pair at a time. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

from ltp.config import LABEL_SPACES, Label, LabelSpace
from ltp.text.vocabulary import TokenCount


@dataclass(frozen=True)
class PairRequest:
    """One pair for one adapter; `key` is what the engine's source knows the adapter by."""

    key: Hashable
    premise: str
    hypothesis: str


@dataclass(frozen=True)
class Prediction:
    """Probabilities in the order of the space's labels; `truncated` when the pair did not fit and was cut."""

    probabilities: tuple[float, ...]
    truncated: bool
    tokens: TokenCount
    """Of both texts as they were read, and how many of them are `<unk>`."""
    label_space: LabelSpace = "three_way"

    @property
    def by_label(self) -> dict[Label, float]:
        """Each label's probability, in order."""
        return dict(zip(LABEL_SPACES[self.label_space], self.probabilities, strict=True))

    @property
    def label(self) -> Label:
        """The likeliest label, the first of several."""
        return LABEL_SPACES[self.label_space][max(range(len(self.probabilities)), key=self.probabilities.__getitem__)]

    def as_two_way(self) -> Prediction:
        """Add neutral and contradiction up; what is two-way stays as it is."""
        entailment, *others = self.probabilities
        if self.label_space == "two_way":
            return self
        return replace(self, probabilities=(entailment, sum(others)), label_space="two_way")

    @property
    def finite(self) -> bool:
        """Whether there is an answer."""
        return math.isfinite(sum(self.probabilities))
