"""Time as this process saw it: pauses of the machine, or of the process, are left out.

A paused container, a frozen virtual machine, SIGSTOP: all that is measured here stood still as well, so the pause says
nothing about it. While a machine is suspended its monotonic clock stands still by itself (Linux, macOS).
"""

from __future__ import annotations

import time
from collections.abc import Callable


class AwakeClock:
    """Seconds since it was made, of which each stretch between two readings counts `longest_s` at most."""

    def __init__(self, *, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._longest_s = clock, longest_s
        self._read, self._seconds = clock(), 0.0

    def __call__(self) -> float:
        """Read it. Whoever wants it exact reads it more often than every `longest_s`."""
        moment = self._clock()
        self._seconds += min(moment - self._read, self._longest_s)
        self._read = moment
        return self._seconds
