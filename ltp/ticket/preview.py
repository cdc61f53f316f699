"""What a ticket would be, told without the drift: from how large its values are, layer by layer. Imports no torch.

A drift keeps, for each layer, how many values lie in each of some hundred bins of magnitude (`magnitudes`). That gives
the threshold of any ratio to within a bin, and so the active parameters of each layer to within what lies in that bin;
the whole is exact. `ltp.ticket.selection` is what really selects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from ltp.backbone.layers import EMBEDDINGS, layers_in
from ltp.config import TicketConfig

Quotas = Mapping[int, float]


@dataclass(frozen=True)
class Magnitudes:
    """One layer's drift: values that are zero, and the others by bin; a greater bin has greater values."""

    layer: int
    zero: int
    counts: Mapping[int, int]

    @property
    def moved(self) -> int:
        """Values other than zero."""
        return sum(self.counts.values())

    @property
    def size(self) -> int:
        """Selectable parameters."""
        return self.zero + self.moved

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"layer": self.layer, "zero": self.zero, "counts": {str(key): n for key, n in self.counts.items()}}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Magnitudes:
        """Read what `as_dict` gave."""
        return cls(kept["layer"], kept["zero"], {int(key): count for key, count in kept["counts"].items()})


@dataclass(frozen=True)
class Preview:
    """A ticket as it would be. `by_layer` are the active parameters of every layer, 0 the embeddings."""

    selectable: int
    moved: int
    zero_drift: int
    by_layer: Mapping[int, int]

    @property
    def active(self) -> int:
        """Exactly round(ratio x selectable)."""
        return sum(self.by_layer.values())


def preview(layers: Sequence[Magnitudes], config: TicketConfig) -> Preview:
    """Tell what a ticket selected by `config` would be.

    Raises:
        InvalidConfig: the scope does not fit the number of layers.
    """
    scope = layers_in(config.layers, max(layer.layer for layer in layers))
    inside = [layer for layer in layers if layer.layer in scope]
    by_layer, zero_drift = dict.fromkeys((layer.layer for layer in layers), 0), 0
    for group, wanted in _groups(inside, config):
        missing = max(0, wanted - sum(layer.moved for layer in group))
        for layer, count in _of_moved(group, wanted - missing).items():
            by_layer[layer] += count
        for layer, count in _of_zero(group, missing):
            by_layer[layer] += count
        zero_drift += missing
    return Preview(_size(inside), sum(layer.moved for layer in inside), zero_drift, by_layer)


def _groups(layers: Sequence[Magnitudes], config: TicketConfig) -> Iterator[tuple[Sequence[Magnitudes], int]]:
    """Yield the layers that share a threshold, and how many of their parameters become active."""
    wanted = round(config.active_ratio * _size(layers))
    if config.rule == "global":
        yield layers, wanted
        return
    shares = _whole({layer.layer: config.active_ratio * layer.size for layer in layers}, wanted)
    for layer in layers:
        yield [layer], shares[layer.layer]


def _of_moved(group: Sequence[Magnitudes], wanted: int) -> dict[int, int]:
    """The `wanted` greatest values, by layer; in the last bin each layer gives the same share of what it has."""
    taken: dict[int, float] = dict.fromkeys((layer.layer for layer in group), 0)
    left = wanted
    for code in sorted({code for layer in group for code in layer.counts}, reverse=True):
        there = sum(layer.counts.get(code, 0) for layer in group)
        share = min(1.0, left / there)
        for layer in group:
            taken[layer.layer] += share * layer.counts.get(code, 0)
        left -= min(left, there)
        if not left:
            break
    return _whole(taken, wanted)


def _of_zero(group: Sequence[Magnitudes], wanted: int) -> Iterator[tuple[int, int]]:
    """Values that never moved, in the order in which they are taken: by the names of their tensors."""
    for layer in sorted(group, key=lambda layer: "" if layer.layer == EMBEDDINGS else f"{layer.layer - 1}."):
        count = min(wanted, layer.zero)
        wanted -= count
        yield layer.layer, count


def _whole(quotas: Quotas, wanted: int) -> dict[int, int]:
    """Whole numbers that sum up to `wanted`: the greatest remainders are rounded up, the first of equal ones."""
    shares = {layer: floor(quota) for layer, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda layer: (shares[layer] - quotas[layer], layer))
    for layer in by_remainder[: wanted - sum(shares.values())]:
        shares[layer] += 1
    return shares


def _size(layers: Sequence[Magnitudes]) -> int:
    return sum(layer.size for layer in layers)
