"""The gate of the packed form: int8 only where it answers as the values that it was made from do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.starter.making.scoring import Probabilities

LEAST_SAME = 0.995
"""Share of held-out pairs that must get the same label."""
MOST_LOST = 0.003
"""By how much accuracy may differ."""


ROUNDING = 1e-12
"""Of a difference of two shares."""


@dataclass(frozen=True)
class Agreement:
    """How the answers of a packed starter compare with those of its own fp16 values."""

    pairs: int
    same_label: float
    accuracy: float
    """Of the fp16 values."""
    packed_accuracy: float
    largest_difference: float
    """Of any probability."""

    @property
    def passes(self) -> bool:
        """Whether the packed form may be shipped."""
        lost = abs(self.packed_accuracy - self.accuracy)
        return self.same_label >= LEAST_SAME and lost <= MOST_LOST + ROUNDING

    def facts(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {**asdict(self), "passes": self.passes}


def compare(exact: Probabilities, packed: Probabilities, labels: NDArray[np.int64]) -> Agreement:
    """Compare the answers to the same pairs, (N, K) each, with their labels (N,)."""
    one, other = exact.argmax(1), packed.argmax(1)
    return Agreement(
        pairs=len(labels),
        same_label=float((one == other).mean()),
        accuracy=float((one == labels).mean()),
        packed_accuracy=float((other == labels).mean()),
        largest_difference=float(np.abs(exact - packed).max()),
    )
