"""Which arithmetic answers faster on this machine, measured on the backbone's own weights.

A processor may have bf16, emulate it slowly, or not know it; no list of processors is as good as the time it takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.backbone.load import Backbone
from ltp.compute.bf16 import MATRIX_UNIT, has_bf16
from ltp.config import Precision, ServingPrecision
from ltp.model.arithmetic import DTYPES

TOKENS, GPU_TOKENS = 256, 8192
"""Rows of a trial: enough to keep every core busy, or a GPU, which with few only waits for the next launch; little
enough for a trial of milliseconds."""
TRIALS = 5
"""Of each arithmetic, by turns."""
WORTH = 1.2
"""bf16 has to be so many times as fast: otherwise fp32, the more exact one, is used."""
HOPELESS = 10.0
"""A first trial of bf16 that is so many times slower ends the measurement: the processor emulates it."""


class PrecisionChoice(NamedTuple):
    """The arithmetic to serve in, and a sentence that says why."""

    precision: ServingPrecision
    reason: str


def choose_precision(backbone: Backbone, device: str) -> PrecisionChoice:
    """Time one layer's linears in fp32 and bf16 on `device`; some tens of milliseconds for XLM-R base on two cores."""
    parameters = backbone.parameters
    layer = "roberta.encoder.layer.0"
    weights = [parameters[f"{layer}.{part}.dense.weight"].to(device) for part in ("intermediate", "output")]
    try:
        exact, half = _trial(weights, "fp32", device), _trial(weights, "bf16", device)
        with torch.inference_mode():
            for run in (exact, half):  # the first call also compiles, so it is not timed
                run()
            times = [(_seconds(exact), _seconds(half))]
            while times[0][1] < HOPELESS * times[0][0] and len(times) < TRIALS:
                times.append((_seconds(exact), _seconds(half)))
    except RuntimeError as error:
        return PrecisionChoice("fp32", f"bf16 does not work on this device: {error}")
    return faster(times)


def attention_type(precision: ServingPrecision, device: str) -> torch.dtype:
    """The type that attention is computed in, told by what the processor is, so that all processes agree.

    bf16 on one with a matrix unit for it, when products are in bf16: else fp32, which costs little beside them.
    """
    unit = device == "cpu" and has_bf16(device, flags=MATRIX_UNIT)
    return torch.bfloat16 if precision == "bf16" and unit else torch.float32


def faster(times: Sequence[tuple[float, float]]) -> PrecisionChoice:
    """Choose by the seconds that the same work took in fp32 and in bf16: the least of each, the least disturbed."""
    gain = min(exact for exact, _ in times) / min(half for _, half in times)
    return PrecisionChoice(
        "bf16" if gain >= WORTH else "fp32", f"measured: bf16 is {gain:.1f} times as fast as fp32 here"
    )


def _trial(weights: list[Tensor], precision: Precision, device: str) -> Callable[[], float]:
    """The feed-forward part of a layer as the encoder computes it, with its casts; the sum waits for the device."""
    dtype = DTYPES[precision]
    up, down = (weight.to(dtype) for weight in weights)
    tokens = TOKENS if device == "cpu" else GPU_TOKENS
    hidden = torch.linspace(-1, 1, tokens * up.shape[1], device=device).view(tokens, -1)

    def run() -> float:
        return float(F.linear(F.linear(hidden.to(dtype), up), down).float().sum())

    return run


def _seconds(run: Callable[[], float]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
