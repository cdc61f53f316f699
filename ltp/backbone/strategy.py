"""How MLM training ties and freezes embeddings, and what each strategy lets move (3.1, Figure 3)."""

from __future__ import annotations

from ltp.backbone.architecture import DECODER, Shapes, is_layer_norm, layer_of
from ltp.config import Strategy


def trains(name: str, strategy: Strategy) -> bool:
    """Tell whether a parameter trains in the MLM run; the LM head does, too, unless it is a norm or the decoder."""
    if strategy == "tied":
        return True
    if is_layer_norm(name) or name == DECODER:
        return False
    return strategy == "decoupled" or layer_of(name) != 0


def selectable_shapes(shapes: Shapes, strategy: Strategy) -> Shapes:
    """Name the parameters a ticket may choose from: those that train in the embeddings and the Transformer layers."""
    return {name: shape for name, shape in shapes.items() if trains(name, strategy) and layer_of(name) is not None}
