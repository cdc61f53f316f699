"""How often each adapter is asked for, lately: what decides who is worth a place among the fused."""

from __future__ import annotations

import math
from collections.abc import Hashable

HALF_LIFE = 512.0
"""After so many other uses a use counts half."""
FAINT = 0.01
"""Weight below which an adapter is forgotten."""
KNOWN = 4096
"""Adapters remembered before the faint ones are looked for; they are swept when the number has doubled."""
MARGIN = 1.25
"""How much more often a newcomer must have been asked for: two of the same demand do not chase each other out."""


class Popularity:
    """Uses by key, fading with every use of any. Not locked: one thread notes and asks."""

    def __init__(self) -> None:
        self._uses: dict[Hashable, tuple[float, int]] = {}
        self._clock = 0
        self._sweep_at = KNOWN

    def note(self, key: Hashable) -> None:
        """Count one use."""
        self._clock += 1
        self._uses[key] = (self.of(key) + 1, self._clock)
        if len(self._uses) >= self._sweep_at:
            self._uses = {key: use for key, use in self._uses.items() if self.of(key) > FAINT}
            self._sweep_at = max(KNOWN, 2 * len(self._uses))

    def of(self, key: Hashable) -> float:
        """Uses so far, faded."""
        weight, at = self._uses.get(key, (0.0, 0))
        return weight * math.exp2((at - self._clock) / HALF_LIFE)

    def beats(self, newcomer: Hashable, settled: Hashable) -> bool:
        """Tell whether `newcomer` deserves the place of `settled`."""
        return self.of(newcomer) > MARGIN * self.of(settled)
