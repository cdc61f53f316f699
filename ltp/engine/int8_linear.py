"""A linear layer in int8: weights by a scale for each output, tokens by a scale for each token, sums of whole numbers.

Because a sum of whole numbers has no rounding, a token's product is the same bits in any batch, in both tiers of an
adapter, and on any machine with the same number of weight levels. On processors without a dot product of bytes,
oneDNN adds pairs of products in 16 bits, which saturate unless weights stay within 64: `weight_levels` tries it out.

Dimensions: N tokens, I inputs, O outputs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.compute.quantised_rows import MIDDLE, quantised_rows

LEVELS = (127, 64)
"""How far from zero weights may go, the finer first."""
_ONE_DNN: Any = torch.ops.onednn


class Int8Linear:
    """Weight (O, I) and bias (O,) in fp32, copied as int8, and the activation that follows, as torch names it.

    `columns` (I,) multiply the tokens and divide the weights: what makes inputs of different size alike. `zero` is the
    byte that stands for nothing, `MIDDLE` where tokens go as far below as above.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, activation: str = "", *, columns: Tensor, zero: int = MIDDLE, levels: int
    ) -> None:
        numbers, self._scales = quantised_weight(weight, 1 / columns, levels)
        self._weight = packed(numbers)
        self._bias, self._activation, self._columns, self._zero = bias, activation, columns, zero
        self._points = torch.zeros(len(bias), dtype=torch.int64)
        self.nbytes = numbers.nbytes + self._scales.nbytes + self._points.nbytes + bias.nbytes

    def __call__(self, tokens: Tensor) -> Tensor:
        """Multiply tokens (N, I), fp32, into (N, O); rows that are not finite come out as NaN."""
        numbers, scales = quantised_rows(tokens, self._columns, self._zero)
        sums = product(numbers, self._weight, self._scales, self._points, self._zero)
        result = torch.addcmul(self._bias, sums, scales[:, None], out=sums)
        return getattr(F, self._activation)(result) if self._activation else result


def int8_nbytes(outputs: int, inputs: int) -> int:
    """Bytes that an `Int8Linear` keeps."""
    return outputs * inputs + outputs * (4 + 4 + 8)


def quantised_weight(weight: Tensor, columns: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Return a weight (O, I) x `columns` (I,) as int8 up to `levels` from zero, and the scale of each output, (O,).

    What is not finite makes its output's scale NaN.
    """
    numbers, scales = quantised_rows(weight, columns, levels, 2 * levels)
    return numbers.view(torch.int8).sub_(levels), scales  # what is above 127 wraps around twice


def packed(numbers: Tensor) -> Tensor:
    """A weight (O, I) of int8 as oneDNN wants it on this processor."""
    ready: Tensor = _ONE_DNN.qlinear_prepack(numbers, None)
    return ready


def product(numbers: Tensor, weight: Tensor, scales: Tensor, points: Tensor, zero: int) -> Tensor:
    """Multiply (`numbers` - `zero`) (N, I) by a packed weight and its `scales`, into fp32 (N, O); `points` are 0."""
    result: Tensor = _ONE_DNN.qlinear_pointwise(
        numbers, 1.0, zero, weight, scales, points, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return result


@cache
def weight_levels() -> int:
    """The most levels whose products are exact here, 0 when there are none: products of extreme values are tried."""
    return next((levels for levels in LEVELS if _exact(levels)), 0)


def _exact(levels: int) -> bool:
    inputs, outputs = 256, 64
    signs = (torch.arange(outputs)[:, None] * torch.arange(inputs)).remainder(7) % 2 * 2 - 1  # (O, I)
    signs[0], signs[1] = 1, -1
    numbers = (torch.arange(8)[:, None] + torch.arange(inputs)).remainder(3).clamp_max_(1) * 255  # (N, I)
    numbers[0], numbers[1] = 255, 0
    expected = (numbers - MIDDLE) @ (signs * levels).T
    try:
        weight = packed((signs * levels).to(torch.int8))
        points = torch.zeros(outputs, dtype=torch.int64)
        got = product(numbers.to(torch.uint8), weight, torch.ones(outputs), points, MIDDLE)
    except (AttributeError, RuntimeError):  # a build of torch without it
        return False
    return torch.equal(got.long(), expected)
