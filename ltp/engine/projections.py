"""The products of the encoder, one a unit: modules that read the same tokens are multiplied together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ltp.backbone.load import Backbone

SELF = "attention.self"


@dataclass(frozen=True)
class PackedLinear:
    """One product; its weight is those of `modules` one below the other, (height, width)."""

    name: str
    modules: tuple[str, ...]
    heights: tuple[int, ...]
    width: int
    activation: str = ""

    @property
    def height(self) -> int:
        """Outputs."""
        return sum(self.heights)

    @property
    def size(self) -> int:
        """Elements of its weight."""
        return self.height * self.width

    def places(self) -> Iterator[tuple[str, slice]]:
        """Yield each module with its rows in the weight and the bias."""
        start = 0
        for module, height in zip(self.modules, self.heights, strict=True):
            yield module, slice(start, start + height)
            start += height


def packed_linears(backbone: Backbone) -> dict[str, PackedLinear]:
    """Every product by name, `<layer>.qkv` and so on; the last layer's query, at `<mask>` only, is apart."""
    units, last = {}, backbone.info.layers - 1
    for layer in range(backbone.info.layers):
        asked = {"q": ["query"], "kv": ["key", "value"]} if layer == last else {"qkv": ["query", "key", "value"]}
        parts = {name: [f"{SELF}.{part}" for part in group] for name, group in asked.items()}
        parts |= {"mix": ["attention.output.dense"], "inner": ["intermediate.dense"], "outer": ["output.dense"]}
        for name, group in parts.items():
            modules = tuple(f"roberta.encoder.layer.{layer}.{part}" for part in group)
            shapes = [backbone.shapes[f"{module}.weight"] for module in modules]
            units[f"{layer}.{name}"] = PackedLinear(
                f"{layer}.{name}",
                modules,
                tuple(shape[0] for shape in shapes),
                shapes[0][1],
                backbone.architecture.activation if name == "inner" else "",
            )
    return units


class Scratch(threading.local):
    """Buffers for the one product that a thread is fusing: never more than the largest unit takes."""

    def __init__(self, units: dict[str, PackedLinear], *, dtype: torch.dtype, device: torch.device) -> None:
        self._weight = torch.empty(max(unit.size for unit in units.values()), dtype=dtype, device=device)
        self._bias = torch.empty(max(unit.height for unit in units.values()), dtype=dtype, device=device)

    @property
    def nbytes(self) -> int:
        """Bytes held for this thread."""
        return self._weight.nbytes + self._bias.nbytes

    def of(self, unit: PackedLinear) -> tuple[Tensor, Tensor]:
        """Return buffers for a unit's weight (height, width) and bias (height,); their former content is lost."""
        return self._weight[: unit.size].view(unit.height, unit.width), self._bias[: unit.height]
