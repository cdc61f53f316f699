"""Which of a worker's devices compute for which of its runners: one each, or all for a drift that they train together.

Each runner has a place, the number of its device; the first alone takes drifts, when one is next in the queue. It then
waits until every device is free; meanwhile none begins another job, so that it waits for those alone that are being
done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from app.settings import Settings
from ltp.compute.device import guess_device

NextKind = Callable[[Sequence[str]], str | None]
DoOne = Callable[[Sequence[str], Settings], bool]
TRAINS_EVERYWHERE = "ticket"
"""The kind of job that takes all devices of a worker."""


class DeviceTurns:
    """Who computes. Runners ask from threads of their own."""

    def __init__(self, places: int) -> None:
        self._everywhere = frozenset(range(places))
        self._busy: set[int] = set()
        self._wanted = False
        self._lock = threading.Lock()

    @property
    def several(self) -> bool:
        """Whether there is more than one device."""
        return len(self._everywhere) > 1

    def begin(self, place: int) -> bool:
        """Take one's own device, unless it is in use, or wanted for a drift."""
        with self._lock:
            if self._wanted or place in self._busy:
                return False
            self._busy.add(place)
            return True

    def begin_everywhere(self) -> bool:
        """Take all devices, or see to it that they become free: until this succeeds or is given up, none begins."""
        with self._lock:
            self._wanted = bool(self._busy)
            if not self._wanted:
                self._busy |= self._everywhere
            return not self._wanted

    def give_up(self) -> None:
        """Want all devices no more."""
        with self._lock:
            self._wanted = False

    def end(self, place: int) -> None:
        """Give one's own device back."""
        with self._lock:
            self._busy.discard(place)

    def end_everywhere(self) -> None:
        """Give all devices back."""
        with self._lock:
            self._busy.clear()


class Place:
    """One runner's: what it may do, and with which settings a job's process then computes where it shall."""

    def __init__(self, settings: Settings, kinds: Sequence[str], *, turns: DeviceTurns, number: int = 0) -> None:
        self._settings, self._kinds, self._turns, self._number = settings, kinds, turns, number
        self._others = [kind for kind in kinds if kind != TRAINS_EVERYWHERE]
        self.device = guess_device(settings.job_devices[number])
        """Its name, told without importing torch."""

    def work(self, next_kind: NextKind, do_one: DoOne) -> bool:
        """Do one job if there is one whose turn it is.

        `next_kind` tells the kind of the next job in the queue among some kinds, None where none waits; `do_one` does
        one of some kinds if there is one, and tells whether it has.
        """
        if not self._turns.several:
            return next_kind(self._kinds) is not None and do_one(self._kinds, self._settings)
        if self._number or next_kind(self._kinds) != TRAINS_EVERYWHERE:
            self.leave()
            return self._do_other(next_kind, do_one)
        return self._train(do_one)

    def leave(self) -> None:
        """Keep nobody waiting."""
        if not self._number:
            self._turns.give_up()

    def _train(self, do_one: DoOne) -> bool:
        if not self._turns.begin_everywhere():
            return False
        try:
            return do_one([TRAINS_EVERYWHERE], self._settings)
        finally:
            self._turns.end_everywhere()

    def _do_other(self, next_kind: NextKind, do_one: DoOne) -> bool:
        if not self._turns.begin(self._number):
            return False
        try:
            own = self._settings.model_copy(update={"devices": self._settings.job_devices[self._number]})
            return next_kind(self._others) is not None and do_one(self._others, own)
        finally:
            self._turns.end(self._number)
