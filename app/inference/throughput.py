"""How fast the engine has been lately, and so how long it will take for what is queued.

In tokens, as the queue estimates them: a batch holds about equally many, however long its pairs are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

NEWEST = 0.3
"""Weight of the newest batch. One takes two seconds with `mini` on two cores: a change shows after five."""
COUNTED_ON = 0.7
"""Share of the average that is counted on: batches differ, and an overrun slows them. With four fifths one answer in
a hundred took longer than was promised (10.24 s for 10, measured at ten times the capacity)."""
FULL = 0.5
"""Part of its budget from which on a batch is measured; a smaller one is slow by its size, and a lower bound only."""
TELLING = 1 / 16
"""Part of it from which on a batch is better than nothing, before there was a full one: an overrun may come first."""


class Throughput:
    """Tokens a second, from when each batch began and was done. Unknown before the first telling batch."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens_s = 0.0
        self._handed = 0
        self._full = self._telling = False
        self._began = 0.0

    def begin(self, tokens: int, *, budget: int) -> None:
        """Note that a batch of so many tokens is handed out, of `budget` that there was room for."""
        self._handed, self._full, self._telling = tokens, tokens >= FULL * budget, tokens >= TELLING * budget
        self._began = self._clock()

    def finish(self) -> None:
        """Note that the batch that was handed out is done, if there was one."""
        if self._handed:
            newest = self._handed / max(self._clock() - self._began, 1e-6)
            if self._full:
                self._tokens_s += (newest - self._tokens_s) * (NEWEST if self._tokens_s else 1)
            elif self._tokens_s or self._telling:
                self._tokens_s = max(self._tokens_s, newest)
        self._handed = 0

    def forget(self) -> None:
        """Leave out the batch that was handed out: it failed, and how long that took tells nothing."""
        self._handed = 0

    def seconds(self, tokens: int) -> float:
        """Return how long `tokens` will take after what is under way, cautiously; 0 while the throughput is unknown."""
        if not self._tokens_s:
            return 0.0
        under_way = max(0.0, self._handed - (self._clock() - self._began) * self._tokens_s)
        return (under_way + tokens) / (COUNTED_ON * self._tokens_s)
