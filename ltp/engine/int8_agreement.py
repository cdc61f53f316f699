"""Whether an adapter answers in int8 as it answers in fp32: measured on pairs, and held against bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.agreement import Agreement, compared
from ltp.adapter.artefact import Adapter
from ltp.backbone.load import Backbone
from ltp.config import ServingPrecision
from ltp.engine.engine import Engine
from ltp.engine.int8_linear import weight_levels
from ltp.engine.pairs import PairRequest
from ltp.ticket.mask import Ticket

LEAST_PAIRS, MOST_PAIRS = 20, 512
"""Fewer pairs say too little to pass; of more, so many are taken at equal distances."""
TOGETHER = 64
"""Pairs asked at a time."""


@dataclass(frozen=True)
class Int8Agreement(Agreement):
    """What int8 changes in an adapter's answers."""

    levels: int
    """How far from zero int8 weights went: a machine with coarser ones answers less like fp32."""

    def passes(self) -> bool:
        """Whether it agrees well enough to be answered in int8 without being asked for."""
        return self.pairs >= LEAST_PAIRS and super().passes()

    def as_dict(self) -> dict[str, Any]:
        """As metrics hold it."""
        return asdict(self) | {"passed": self.passes()}


def measure(
    backbone: Backbone, adapter: Adapter, ticket: Ticket | None, pairs: Sequence[tuple[str, str]]
) -> Int8Agreement | None:
    """Answer pairs (premise, hypothesis) in fp32 and in int8; None without pairs, and where int8 is not to be had."""
    if not pairs or backbone.verbalizer.device.type != "cpu" or not weight_levels():
        return None
    count = min(len(pairs), MOST_PAIRS)
    some = [pairs[place * len(pairs) // count] for place in range(count)]
    exact, int8 = (answers(backbone, adapter, ticket, some, precision) for precision in ("fp32", "int8"))
    return Int8Agreement(**asdict(compared(exact, int8)), levels=weight_levels())


def answers(
    backbone: Backbone,
    adapter: Adapter,
    ticket: Ticket | None,
    pairs: Sequence[tuple[str, str]],
    precision: ServingPrecision,
) -> NDArray[np.float64]:
    """Return the probabilities (N, K) of pairs in one precision."""
    engine = Engine(backbone, source=lambda _: (adapter, ticket), precision=precision)
    rows: list[tuple[float, ...]] = []
    for start in range(0, len(pairs), TOGETHER):
        asked = [PairRequest(0, premise, hypothesis) for premise, hypothesis in pairs[start : start + TOGETHER]]
        rows += [prediction.probabilities for prediction in engine.predict(asked)]
    return np.array(rows)
