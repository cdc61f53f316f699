"""How MLM training ties and freezes embeddings, and what each way lets move (3.1, Figure 3). Imports no torch.

A strategy is one object that answers every question about it; what differs between strategies is asked of the object,
never of its name. Configurations, files and the API carry the name; `STRATEGIES` holds the object of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ltp.backbone.architecture import DECODER, WORD_EMBEDDINGS, Shapes, is_layer_norm, layer_of
from ltp.errors import InvalidConfig

Strategy = Literal["decoupled", "tied", "frozen_embeddings"]
"""The names that requests, files and figures carry."""


@dataclass(frozen=True)
class EmbeddingStrategy:
    """One strategy: which parameters train in the MLM run, and whether both embeddings are one matrix."""

    name: Strategy
    trains: Callable[[str], bool]
    """Tells of a parameter's name whether it trains in the MLM run; the LM head's may, too."""
    ties_output: bool = False
    """Whether the output embeddings are the input embeddings and move with them."""

    @property
    def moves_read_rows_only(self) -> bool:
        """Whether of the word embeddings the rows that some step reads train, and no others can move."""
        return self.trains(WORD_EMBEDDINGS) and not self.ties_output

    def selectable_shapes(self, shapes: Shapes) -> Shapes:
        """Name what a ticket may choose from: what trains in the embeddings and the Transformer layers."""
        return {name: shape for name, shape in shapes.items() if self.trains(name) and layer_of(name) is not None}

    def check_fits(self, *, backbone: str, tied: bool) -> None:
        """Refuse a checkpoint that stores output embeddings of its own where the strategy ties them.

        Raises:
            InvalidConfig: naming the strategy and the `backbone`.
        """
        if self.ties_output and not tied:
            raise InvalidConfig("strategy", self.name, f"another: {backbone} has output embeddings of its own")


def _no_norm_or_decoder(name: str) -> bool:
    return not is_layer_norm(name) and name != DECODER


DECOUPLED = EmbeddingStrategy("decoupled", trains=_no_norm_or_decoder)
TIED = EmbeddingStrategy("tied", trains=lambda _: True, ties_output=True)
FROZEN_EMBEDDINGS = EmbeddingStrategy(
    "frozen_embeddings", trains=lambda name: _no_norm_or_decoder(name) and layer_of(name) != 0
)

STRATEGIES: dict[Strategy, EmbeddingStrategy] = {each.name: each for each in (DECOUPLED, TIED, FROZEN_EMBEDDINGS)}
"""Every strategy by its name. A new one is an entry here and a name in `Strategy`."""


def strategy_of_checkpoint(*, ties_output: bool) -> Strategy:
    """Name the strategy by which a checkpoint itself relates its embeddings, for training without a ticket."""
    return (TIED if ties_output else DECOUPLED).name
