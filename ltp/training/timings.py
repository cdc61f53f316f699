"""Where a job's time went: seconds by phase. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timings:
    """Seconds spent in each phase so far, in the order in which they first began.

        timings = Timings()
        with timings("tokenize"):
            ...
        timings.seconds  # {"tokenize": 0.02}

    The seconds of a phase that comes again, as training and validating do in turn, add up.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Count the block's time as the phase's, also when it raises."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.add(phase, time.monotonic() - began)

    def add(self, phase: str, seconds: float) -> None:
        """Count time that was measured elsewhere."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def rounded(self) -> dict[str, float]:
        """Return what a report carries: milliseconds are enough."""
        return {phase: round(seconds, 3) for phase, seconds in self.seconds.items()}
