"""What an adapter answered to pairs that it was not trained on, by which it is told how good it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Judgement:
    """`probabilities` (M, K) for the pairs at `indices` (M,) of the development examples.

    Where `cross_fitted`, of the training examples: each was answered by a model that never saw its premise.
    """

    indices: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    cross_fitted: bool = False
