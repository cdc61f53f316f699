"""Which leases are not renewed any more, whatever the database's clock says of them.

That clock may be set, by two hours and in either direction: then every lease has run out at once, or none will for two
hours. So a lease is watched from sweep to sweep. One that has run out is lost when it was not renewed for half of its
length, in which a live runner renews it at least once; one that never seems to run out, after all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from app.jobs import Lease
from worker.awake_clock import AwakeClock

LOOKS = 4
"""A look at the leases counts for a part of a lease at most: after a pause the runners have time to renew theirs."""


class LeaseWatch:
    """Remembers since when each lease has been as it is."""

    def __init__(self, *, lease_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_s = lease_s
        self._awake = AwakeClock(longest_s=lease_s / LOOKS, clock=clock)
        self._seen: dict[Lease, float] = {}

    def lost(self, leases: Iterable[Lease]) -> list[Lease]:
        """Look at all leases there are; return those whose runners are gone."""
        moment = self._awake()
        self._seen = {lease: self._seen.get(lease, moment) for lease in leases}
        return [lease for lease, since in self._seen.items() if self._is_lost(lease, moment - since)]

    def forget(self) -> None:
        """The database did not answer: no runner could renew its lease."""
        self._seen.clear()

    def _is_lost(self, lease: Lease, unrenewed_s: float) -> bool:
        return unrenewed_s >= (self._lease_s / 2 if lease.expired else self._lease_s)
