"""How often each adapter was used lately, which decides what stays in the fused tier; and what a use took."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Literal, NamedTuple

HALF_LIFE = 512.0
"""After so many other uses a use counts half."""
FAINT = 0.01
"""Weight below which an adapter is forgotten."""
KNOWN = 4096
"""Adapters remembered before the faint ones are dropped; they are looked through again when the number has doubled."""
MARGIN = 1.25
"""How much more often a newcomer must have been asked for: two in equal demand do not evict each other in turn."""


class AdapterUse(NamedTuple):
    """One adapter made ready for a batch: `began` and `ended` by the process's monotonic clock, `tier` it answers from.

    `fetched` says that its source was needed now, `fused` that its products were made now.
    """

    key: Hashable
    tier: Literal["fused", "compact"]
    fetched: bool
    fused: bool
    began: float
    ended: float


UseCallback = Callable[[AdapterUse], None]
"""Called from the thread that predicts, once an adapter and call."""


class Popularity:
    """Uses by key, fading with every use of any. Not locked: one thread uses it."""

    def __init__(self) -> None:
        self._uses: dict[Hashable, tuple[float, int]] = {}
        self._clock = 0
        self._sweep_at = KNOWN

    def count_use(self, key: Hashable) -> None:
        """Count one use."""
        self._clock += 1
        self._uses[key] = (self.weight(key) + 1, self._clock)
        if len(self._uses) >= self._sweep_at:
            self._uses = {key: use for key, use in self._uses.items() if self.weight(key) > FAINT}
            self._sweep_at = max(KNOWN, 2 * len(self._uses))

    def weight(self, key: Hashable) -> float:
        """Uses so far, faded."""
        weight, at = self._uses.get(key, (0.0, 0))
        return weight * math.exp2((at - self._clock) / HALF_LIFE)

    def outweighs(self, newcomer: Hashable, settled: Hashable) -> bool:
        """Tell whether `newcomer` is used enough more than `settled` to take its place."""
        return self.weight(newcomer) > MARGIN * self.weight(settled)
