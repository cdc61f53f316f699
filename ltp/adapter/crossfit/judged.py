"""The pairs that out-of-fold answers judge: their labels, and which premise each has. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Groups, numbered
from ltp.adapter.crossfit.folds import Fold


@dataclass(frozen=True, eq=False)
class Judged:
    """`indices` (M,) into the training pairs, ascending; a pair that every fold needs is not among them."""

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    groups: Groups

    @classmethod
    def of(cls, folds: Sequence[Fold], labels: NDArray[np.int64], premises: Sequence[int]) -> Judged:
        """Those that one of the folds holds out; `labels` and `premises` (N,) are of all pairs."""
        indices = np.array(sorted({index for fold in folds for index in fold.held_out}))
        return cls(indices, labels[indices], numbered(np.array(premises)[indices]))

    @cached_property
    def count(self) -> int:
        """M."""
        return len(self.indices)
