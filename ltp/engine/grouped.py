"""On a GPU, the products of a batch that mixes adapters, each computed for all of them in one launch.

A product is grouped where adapters differ in it and all of them have it fused; others, and all on a CPU, are computed
adapter by adapter (`ltp.engine.forward`). What is grouped for a batch is settled before its first layer, so that the
addresses of all weights go to the device in one upload.

Dimensions: E adapters of a batch, U products of the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ltp.compute.cuda.by_identity import ByIdentity
from ltp.compute.cuda.masks import runs_kernels
from ltp.compute.cuda.products import Numbers, multiply, tiles
from ltp.engine.adapter_view import AdapterView
from ltp.engine.int8_linear import Int8Linear
from ltp.engine.linear import Linear
from ltp.engine.shared_weights import SharedWeights

Edge = tuple[AdapterView, int, int]
NOWHERE = (0, 0)
"""Stands for the addresses of what is not kept fused."""


class GroupedEdges(list[Edge]):
    """Adapters with their stretches of rows, as `ltp.engine.forward` has them, and the tiles of grouped products."""

    tables: Mapping[str, Tensor]
    """By unit, (tiles, 4) where the rows are."""
    changed: frozenset[str]
    """Products and norms that some adapter has of its own."""


class Grouping:
    """Settles what is grouped; on a CPU nothing is, unless `anywhere`, which takes Triton's interpreter."""

    def __init__(self, shared: SharedWeights, *, anywhere: bool = False) -> None:
        self._shared, self._works = shared, anywhere or runs_kernels(shared.device)
        self._known: ByIdentity[AdapterView, Numbers] = ByIdentity()

    def __call__(self, edges: Sequence[Edge]) -> Sequence[Edge]:
        """Return the edges, with what is grouped of them where something can be."""
        if not self._works or len(edges) == 1:
            return edges
        joined = GroupedEdges(edges)
        joined.changed = frozenset().union(*(each for view, _, _ in edges for each in (view.products, view.norms)))
        joined.tables = self._tables(edges)
        return joined

    def _tables(self, edges: Sequence[Edge]) -> dict[str, Tensor]:
        addresses = np.stack([self._known.of(view, self._addresses) for view, _, _ in edges])  # (E, U, 2)
        weights = addresses[:, :, 0]
        chosen = (weights != 0).all(0) & (weights != weights[0]).any(0)
        if not chosen.any():
            return {}
        starts, stops = (np.array([edge[place] for edge in edges]) for place in (1, 2))
        table = torch.from_numpy(tiles(starts, stops, addresses[:, chosen]))
        if self._shared.device.type == "cuda":
            table = table.pin_memory().to(self._shared.device, non_blocking=True)
        names = [name for name, wanted in zip(self._shared.products, chosen, strict=True) if wanted]
        return dict(zip(names, table, strict=True))

    def _addresses(self, view: AdapterView) -> Numbers:
        """Of each product's weight and bias, (U, 2)."""
        return np.array([_places(view.products.get(name, own)) for name, own in self._shared.products.items()])


def _places(product: Callable[[Tensor], Tensor]) -> tuple[int, int]:
    plain = product.plain if isinstance(product, Linear) else None
    return NOWHERE if plain is None else (plain[0].data_ptr(), plain[1].data_ptr())


def product_of(edges: Sequence[Edge], unit: str, rows: Tensor, own: Linear | Int8Linear) -> Tensor | None:
    """Multiply rows (N, I) into (N, O), each by its adapter's weight; None where that is done adapter by adapter."""
    if not isinstance(edges, GroupedEdges) or isinstance(own, Int8Linear):
        return None
    if unit not in edges.changed:
        return own(rows)
    if (table := edges.tables.get(unit)) is None:
        return None
    product = multiply(rows, table, own.height)
    product[edges[-1][2] :] = 0  # rows of padding
    return getattr(F, own.activation)(product) if own.activation else product


def is_shared(edges: Sequence[Edge], name: str) -> bool:
    """Whether it is known that no adapter of these edges has a norm of its own: looking takes as long as computing."""
    return isinstance(edges, GroupedEdges) and name not in edges.changed
