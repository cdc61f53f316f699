"""How the encoder computes, apart from its weights: heads, activation, dropout, and the precision of its products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.architecture import Architecture
from ltp.config import Precision

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Arithmetic:
    """How an encoder computes: what its architecture and its precision decide."""

    heads: int
    epsilon: float
    activation: Callable[[Tensor], Tensor]
    dropout: float
    attention_dropout: float
    dtype: torch.dtype
    """Of the linear layers."""

    @staticmethod
    def of(
        architecture: Architecture, *, precision: Precision, dropout: bool, attention_dropout: bool = True
    ) -> Arithmetic:
        """Take over an architecture; without `dropout` its rates are zero, without `attention_dropout` attention's."""
        return Arithmetic(
            architecture.heads,
            architecture.norm_epsilon,
            getattr(F, architecture.activation),
            architecture.dropout if dropout else 0.0,
            architecture.attention_dropout if dropout and attention_dropout else 0.0,
            DTYPES[precision],
        )
