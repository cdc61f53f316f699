"""What makes an adapter's probabilities mean what they say: a temperature and a bias a label (Guo et al. 2017).

Imports numpy only. Dimensions: N pairs, K labels of the adapter's label space, in their order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import MaxLen
from numpy.typing import NDArray

from ltp.config import LABEL_SPACES
from ltp.errors import InvalidConfig

LEAST_TEMPERATURE, MOST_TEMPERATURE = 2.0**-6, 2.0**6
"""Beyond these an answer would be certain whatever was read, or the same for every pair."""
MOST_LABELS = max(map(len, LABEL_SPACES.values()))
MOST_BIAS = 64.0
"""Of either sign; e to this power is certainty already."""


@dataclass(frozen=True)
class Calibration:
    """Logits are divided by `temperature`, and each label's `bias` is added, before the softmax. All are fp32 numbers.

    Raises:
        InvalidConfig: a number is not finite, or out of bounds.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    temperature: float
    bias: Annotated[tuple[float, ...], MaxLen(MOST_LABELS)]

    def __post_init__(self) -> None:
        """Round to fp32, in which they are applied, so that every reader computes with the same numbers."""
        if not LEAST_TEMPERATURE <= self.temperature <= MOST_TEMPERATURE:
            wanted = f"from {LEAST_TEMPERATURE:g} to {MOST_TEMPERATURE:g}"
            raise InvalidConfig("temperature", self.temperature, wanted)
        if not all(math.isfinite(bias) and abs(bias) <= MOST_BIAS for bias in self.bias):
            raise InvalidConfig("bias", list(self.bias), f"finite numbers from {-MOST_BIAS:g} to {MOST_BIAS:g}")
        object.__setattr__(self, "temperature", float(np.float32(self.temperature)))
        object.__setattr__(self, "bias", tuple(float(np.float32(bias)) for bias in self.bias))

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return calibrated logits (N, K), in the arithmetic of those given."""
        return logits / logits.dtype.type(self.temperature) + np.asarray(self.bias, logits.dtype)
