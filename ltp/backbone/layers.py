"""Which layers a ticket is drawn from: all, a third of them, or a list (5.4). Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from ltp.backbone.architecture import layer_of
from ltp.config import LayerScope
from ltp.errors import InvalidConfig

EMBEDDINGS = 0
_THIRDS = {"lower": 0, "middle": 1, "upper": 2}


def count_layers(names: Iterable[str]) -> int:
    """Count the Transformer layers that parameters of these names make."""
    return max((layer_of(name) or 0 for name in names), default=0)


def layers_in(scope: LayerScope | tuple[int, ...], count: int) -> frozenset[int]:
    """List the layers of a scope in a model of `count` Transformer layers; the embeddings, 0, are only in `all`.

    Of 12 layers, `lower` is 1-4, `middle` 5-8, `upper` 9-12; other depths are cut at the nearest layer.

    Raises:
        InvalidConfig: the scope names a layer that does not exist, or is empty at this depth.
    """
    if scope == "all":
        return frozenset(range(count + 1))
    if isinstance(scope, str):
        third = _THIRDS[scope]
        layers = frozenset(range(1 + round(count * third / 3), 1 + round(count * (third + 1) / 3)))
        if not layers:
            raise InvalidConfig("layers", scope, f"'all' or a list of layers from 1 to {count}: this third is empty")
        return layers
    if max(scope) > count:
        raise InvalidConfig("layers", list(scope), f"layers from 1 to {count}")
    return frozenset(scope)
