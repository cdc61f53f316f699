"""Values as int8 codes, with a scale for each block of them: about half of what fp16 takes.

A value is code x scale x a power of two of its tensor's. Scales are fp16, so that code x scale has 18 bits at most and
is exact in fp32: whoever decodes gets the same bits, however the product is taken. Zero stays zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ltp.compute.kernel import SCALED

BLOCK = SCALED
"""Values that share a scale: a quarter of a bit each."""
LARGEST_CODE, LARGEST_MAGNITUDE = 127, 128
"""Of a code that is written here, and of any that a file can hold."""
SMALLEST = 2.0**-24
"""The step of fp16 below its normal numbers."""


def blocks_of(count: int) -> int:
    """How many scales so many values have."""
    return -(-count // BLOCK)


def quantised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Codes (K,) int8 and scales (B,) fp16 of values (K,) fp32, of which none is beyond `LARGEST_CODE` x 65,504.

    Rounded to nearest: no value is off by more than half its scale.
    """
    blocks = torch.zeros(blocks_of(len(values)), BLOCK)
    blocks.view(-1)[: len(values)] = values
    largest = blocks.abs().amax(1)
    scales = (largest / LARGEST_CODE).half()
    short = scales.float() * (LARGEST_CODE + 0.5) < largest
    scales[short] += SMALLEST  # below its normal numbers fp16 rounds coarsely; there this is the next one up
    divisors = torch.where(scales > 0, scales.float(), 1.0)
    codes = (blocks / divisors[:, None]).round().clamp(-LARGEST_CODE, LARGEST_CODE)
    return codes.to(torch.int8).view(-1)[: len(values)].clone(), scales


def each_scale(scales: Tensor, count: int) -> Tensor:
    """The scale of each of `count` values, (K,) fp32."""
    return scales.float().repeat_interleave(BLOCK)[:count]
