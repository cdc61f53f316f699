"""A linear layer as serving holds it: weights reordered once for the processor, and the activation that follows.

oneDNN reorders a plain weight at every call, which is what a product with few tokens spends its time on. Where torch
offers it the reordered weight is kept instead. Products agree with those of `F.linear` to rounding. The activation is
torch's: as part of oneDNN's product, GELU's error function took eight times as long, half of what the product took.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS = 64
"""Tokens the reordered form is chosen for; products with any other number are as exact."""
_ONE_DNN: Any = torch.ops.mkldnn


class Linear:
    """Weight (O, I) and bias (O,), and the activation that follows, as torch names it ("" for none).

    With `reorder` the weight is copied into the processor's order, if it has one, else kept by reference.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: str = "", *, reorder: bool = True) -> None:
        self.nbytes = weight.nbytes + bias.nbytes
        self._bias, self.activation, self.height = bias, activation, len(bias)
        self._one_dnn = reorders(weight.device.type, weight.dtype)
        if reorder and self._one_dnn:
            weight = _ONE_DNN._reorder_linear_weight(weight, ROWS)  # noqa: SLF001  torch gives it no other name
        self._weight = weight

    @property
    def plain(self) -> tuple[Tensor, Tensor] | None:
        """Weight and bias as they were given, unless they are kept in the processor's order."""
        return None if self._one_dnn else (self._weight, self._bias)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Multiply tokens (N, I), of the weight's type, into (N, O)."""
        if self._one_dnn:
            product: Tensor = _ONE_DNN._linear_pointwise(tokens, self._weight, self._bias, "none", [], "")  # noqa: SLF001
        else:
            product = F.linear(tokens, self._weight, self._bias)
        if self.activation == "gelu":
            return torch.ops.aten.gelu_(product)  # type: ignore[no-any-return]  # in place, which F.gelu is not
        return getattr(F, self.activation)(product) if self.activation else product


@cache
def reorders(device: str, dtype: torch.dtype) -> bool:
    """Tell whether weights of a type can be kept in oneDNN's order on a device."""
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if device != "cpu" or not there or not hasattr(_ONE_DNN, "_linear_pointwise"):
        return False
    if dtype == torch.bfloat16:
        return bool(_ONE_DNN._is_mkldnn_bf16_supported())  # noqa: SLF001
    return dtype == torch.float32
