"""Means over pairs whose premises are drawn, not they themselves: their standard error. Imports no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
"""Each pair's premise, numbered from 0 without gaps."""


def numbered(groups: NDArray[np.int64]) -> Groups:
    """Number the groups that occur from 0 without gaps."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64).reshape(-1)


def standard_error(values: Floats, groups: Groups) -> float:
    """The standard error of the mean of `values` (N,), clustered; infinite for one group, of which nothing is known."""
    count = int(groups.max()) + 1
    if count < 2:
        return float("inf")
    sums = np.bincount(groups, weights=values - values.mean(), minlength=count)
    return float(np.sqrt(count / (count - 1) * np.square(sums).sum()) / len(values))
