"""Drawing a ticket from a drift: the K parameters that moved the most, exactly K, whatever is tied (3.1, 4.2).

Drifts are stored as fp16 and none is negative, so the 16-bit code of a value orders as the value does. One pass counts
the codes in 65,536 bins, which gives the threshold and how many values at it are still wanted; a second pass takes the
greater ones and, of those at the threshold, the first: names by code point, then C order. Both passes stream over the
tensors in blocks that threads share, so no list and no second copy of the parameters is ever made; ties are counted a
block before they are dealt out. The order is total, hence of one drift a ticket with a smaller ratio lies inside one
with a greater, under the rule `global`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import floor, prod
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ltp.backbone.architecture import Shapes, layer_of
from ltp.backbone.layers import count_layers, layers_in
from ltp.compute.threads import parallel_map
from ltp.config import TicketConfig
from ltp.drift.stored import Drift
from ltp.ticket.mask import Ticket
from ltp.ticket.preview import Magnitudes

BINS = 1 << 16
COARSER = 8
"""Bits of a code that `magnitudes` leaves out: four bins for each power of two."""
BLOCK = 1 << 19
"""Values handled at a time, about; always a multiple of eight. Counting one takes eight times as many bytes."""

Codes = NDArray[np.uint16]


@dataclass(frozen=True)
class _Cut:
    """Everything above `threshold` is active, and the first `ties` values at it."""

    threshold: int
    ties: int


def select(drift: Drift, config: TicketConfig, *, block: int = BLOCK) -> Ticket:
    """Choose round(ratio x selectable) parameters of the scope by their stored drift.

    About `block` values are handled at a time, a multiple of eight; it bounds memory and changes nothing else.

    Raises:
        InvalidConfig: the scope does not fit the drift's number of layers.
    """
    scope = layers_in(config.layers, count_layers(drift.shapes))
    shapes = {name: shape for name, shape in sorted(drift.shapes.items()) if layer_of(name) in scope}
    masks: dict[str, NDArray[np.uint8]] = {}
    moved = zero_drift = 0
    for group, wanted in _groups(shapes, config):
        counts = _histogram(drift, group, block)
        cut = _cut(counts, wanted)
        moved += int(counts[1:].sum())
        zero_drift += cut.ties if cut.threshold == 0 else 0
        masks |= _masks(drift, group, cut, block)
    return Ticket(
        masks=dict(sorted(masks.items())),
        shapes=dict(sorted(drift.shapes.items())),
        selectable=_size(shapes),
        moved=moved,
        zero_drift=zero_drift,
        strategy=drift.strategy,
        backbone=drift.backbone,
        config=config,
    )


def magnitudes(drift: Drift, *, block: int = BLOCK) -> list[Magnitudes]:
    """Count how large a drift is in each layer, to tell later what a ticket would be (`ltp.ticket.preview`)."""
    found = []
    for layer, group in sorted(_by_layer(drift.shapes).items()):
        counts = _histogram(drift, group, block)
        zero, counts[0] = int(counts[0]), 0
        coarse = counts.reshape(-1, 1 << COARSER).sum(1)
        found.append(Magnitudes(layer, zero, {int(code): int(coarse[code]) for code in np.flatnonzero(coarse)}))
    return found


def _by_layer(shapes: Shapes) -> dict[int, Shapes]:
    layers: dict[int, Shapes] = {}
    for name, shape in shapes.items():
        layers.setdefault(layer_of(name) or 0, {})[name] = shape
    return layers


def _groups(shapes: Shapes, config: TicketConfig) -> Iterator[tuple[Shapes, int]]:
    """Yield the parameters that share a threshold, and how many of their values become active."""
    wanted = round(config.active_ratio * _size(shapes))
    if config.rule == "global":
        yield shapes, wanted
        return
    layers = _by_layer(shapes)
    sizes = {layer: _size(group) for layer, group in sorted(layers.items())}
    quotas = {layer: config.active_ratio * size for layer, size in sizes.items()}
    shares = {layer: floor(quota) for layer, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda layer: (shares[layer] - quotas[layer], layer))
    for layer in by_remainder[: wanted - sum(shares.values())]:
        shares[layer] += 1
    for layer, wanted in shares.items():
        yield layers[layer], wanted


def _size(shapes: Shapes) -> int:
    return sum(prod(shape) for shape in shapes.values())


def _cut(counts: NDArray[np.int64], wanted: int) -> _Cut:
    """Find the greatest threshold at or above which there are `wanted` values."""
    if wanted == 0:
        return _Cut(BINS - 1, 0)
    at_least = np.cumsum(counts[::-1])[::-1]
    threshold = int(np.flatnonzero(at_least >= wanted)[-1])
    return _Cut(threshold, wanted - int(at_least[threshold] - counts[threshold]))


def _histogram(drift: Drift, group: Shapes, block: int) -> NDArray[np.int64]:
    """How many values of a group have each code."""
    counts, lock = np.zeros(BINS, np.int64), Lock()

    def count(codes: Codes) -> None:
        some = np.bincount(codes, minlength=BINS)
        with lock:
            np.add(counts, some, out=counts)

    stored = [_stored(drift, name) for name in group]
    parallel_map(count, [codes[start : start + block] for codes in stored for start in range(0, len(codes), block)])
    counts[0] += _size(group) - sum(map(len, stored))  # rows that are not stored did not move
    return counts


def _stored(drift: Drift, name: str) -> Codes:
    return drift.values[name].numpy().view(np.uint16).reshape(-1)


def _masks(drift: Drift, group: Shapes, cut: _Cut, size: int) -> dict[str, NDArray[np.uint8]]:
    """Pack the active positions of each tensor, little bit order; ties go to the first name and place."""
    masks = {name: np.zeros(-(-prod(shape) // 8), np.uint8) for name, shape in sorted(group.items())}
    blocks = [block for name in masks for block in _blocks(drift, name, group[name], size)]
    ties = parallel_map(lambda block: int(np.count_nonzero(block.codes() == cut.threshold)), blocks) if cut.ties else []
    before = [0, *accumulate(ties)]

    def pack(number: int) -> None:
        block, wanted = blocks[number], 0
        if ties:
            wanted = min(max(cut.ties - before[number], 0), ties[number])
        codes = block.codes()
        active = codes >= cut.threshold if wanted and wanted == ties[number] else codes > cut.threshold
        if wanted and wanted < ties[number]:
            active[np.flatnonzero(codes == cut.threshold)[:wanted]] = True
        packed = np.packbits(active, bitorder="little")
        masks[block.name][block.start // 8 : block.start // 8 + len(packed)] = packed

    parallel_map(pack, range(len(blocks)))
    return {name: mask for name, mask in masks.items() if mask.any()}


@dataclass(frozen=True)
class _Block:
    """Some of a tensor's codes in C order from element `start`, a multiple of eight; rows not stored are zeros."""

    name: str
    start: int
    stored: Codes
    """(B,), or (R, H) where `rows` says which rows of the block they are."""
    rows: NDArray[np.int64] | None = None
    size: int = 0

    def codes(self) -> Codes:
        """All of them, flat."""
        if self.rows is None:
            return self.stored
        dense = np.zeros((self.size, self.stored.shape[1]), np.uint16)
        dense[self.rows] = self.stored
        return dense.reshape(-1)


def _blocks(drift: Drift, name: str, shape: tuple[int, ...], wanted: int) -> Iterator[_Block]:
    """Cut a tensor into blocks of about `wanted` values; all but the last fill their bytes."""
    codes = _stored(drift, name)
    if name not in drift.rows:
        for start in range(0, len(codes), wanted):
            yield _Block(name, start, codes[start : start + wanted])
        return
    height, width = shape
    rows, values = drift.rows[name].numpy(), codes.reshape(-1, width)
    step = max(8, wanted // width // 8 * 8)
    for start in range(0, height, step):
        first, last = np.searchsorted(rows, [start, start + step])
        size = min(step, height - start)
        yield _Block(name, start * width, values[first:last], rows[first:last] - start, size)
