"""How far two ways of computing the same answers agree, and whether the cheaper one may stand for the exact one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CHANGED = 0.005
"""Share of pairs whose label may change."""
MOST_DIFFERENCE = 0.01
"""Mean difference of a probability."""


@dataclass(frozen=True)
class Agreement:
    """How answers to the same pairs differ."""

    pairs: int
    labels_changed: int
    mean_difference: float
    """Of all probabilities."""
    largest_difference: float

    def passes(self) -> bool:
        """Whether the other way may be taken."""
        alike = self.labels_changed <= MOST_CHANGED * self.pairs and self.mean_difference <= MOST_DIFFERENCE
        return alike and self.pairs > 0


def compared(exact: NDArray[np.float64], other: NDArray[np.float64]) -> Agreement:
    """Compare probabilities (N, K) with the exact ones of the same pairs."""
    differences = np.abs(exact - other)
    return Agreement(
        pairs=len(exact),
        labels_changed=int((exact.argmax(1) != other.argmax(1)).sum()),
        mean_difference=float(differences.mean()) if differences.size else 0.0,
        largest_difference=float(differences.max(initial=0.0)),
    )
