"""How many operations the plain computation takes, and how many this device does a second at most."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from bench.gpu.device import Setting
from ltp.backbone.architecture import Architecture

SIDE, SMALL_SIDE = 8192, 128
COPIED, SMALL_COPIED = 1 << 30, 1 << 20


def rates(setting: Setting) -> None:
    """The device's own rates, by which the others are judged: products of bf16 and fp32, copying, uploading."""
    side, size = (SMALL_SIDE, SMALL_COPIED) if setting.small else (SIDE, COPIED)
    for name in ("bfloat16", "float32"):
        with setting.measuring(f"product {name}") as figures:
            left, right = (torch.randn(side, side, device=setting.device).to(getattr(torch, name)) for _ in range(2))
            seconds = setting.time(lambda left=left, right=right: left @ right)  # type: ignore[misc]
            figures |= seconds | {"tera_operations_a_second": 2 * side**3 / seconds["median_s"] / 1e12, "side": side}
    with setting.measuring("copying on the device") as figures:
        source = torch.empty(size, dtype=torch.uint8, device=setting.device)
        target = torch.empty_like(source)
        seconds = setting.time(lambda: target.copy_(source))
        figures |= seconds | {"gb_a_second_read_and_written": 2 * size / seconds["median_s"] / 1e9}
    with setting.measuring("uploading") as figures:
        here = torch.empty(size // 4, dtype=torch.uint8)
        here = here.pin_memory() if setting.on_gpu else here
        there = torch.empty(size // 4, dtype=torch.uint8, device=setting.device)
        seconds = setting.time(lambda: there.copy_(here, non_blocking=True))
        figures |= seconds | {"gb_a_second": size / 4 / seconds["median_s"] / 1e9}


def forward_operations(model: Architecture, lengths: Iterable[int]) -> float:
    """Of a plain forward pass through every layer, at every token, without padding and without a head."""
    lengths = list(lengths)
    products = 2 * (4 * model.hidden**2 + 2 * model.hidden * model.intermediate) * sum(lengths)
    attention = 4 * model.hidden * sum(length**2 for length in lengths)
    return float(model.layers * (products + attention))


def head_operations(model: Architecture, positions: int) -> float:
    """Of the masked-language-modelling head at so many positions."""
    return float(2 * positions * (model.hidden**2 + model.hidden * model.vocabulary))
