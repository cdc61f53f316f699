"""Where a job's time went: seconds by phase. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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

    def of(self, phases: Sequence[str]) -> dict[str, float]:
        """Those of some phases, as far as they began, for a checkpoint."""
        return {phase: self.seconds[phase] for phase in phases if phase in self.seconds}

    def go_on(self, before: Mapping[str, float], phases: Sequence[str]) -> None:
        """Count what an earlier attempt spent in these phases, of all that its checkpoint holds."""
        for phase in phases:
            if phase in before:
                self.add(phase, before[phase])

    def rounded(self) -> dict[str, float]:
        """Return what a report carries: milliseconds are enough."""
        return {phase: round(seconds, 3) for phase, seconds in self.seconds.items()}
