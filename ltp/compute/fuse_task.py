"""One tensor to fuse: what is added to what, where, and into which buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class FuseTask(NamedTuple):
    """One tensor to fuse: `buffer` becomes `pristine` plus `values` x 2**-`exponent` where `active` has a bit set.

    `pristine` is fp32, and `buffer` of the same shape, fp32 or bf16, both contiguous; they may be the same tensor.
    `values` (K,) are fp16 or fp32 as stored, or int8 codes with `scales`, in C order; they and `buffer` are on one
    device, and finite. `active` is packed eight elements a byte, little bit order, K bits of it set, none beyond the
    last element.
    """

    buffer: Tensor
    pristine: Tensor
    values: Tensor
    exponent: int
    active: NDArray[np.uint8]
    before: list[int] | None = None
    """`ltp.compute.kernel.bits_before` of `active`, where it is known."""
    scales: Tensor | None = None
    """(B,) fp16, what each `ltp.compute.kernel.SCALED` codes are multiplied by; None unless the values are int8."""
