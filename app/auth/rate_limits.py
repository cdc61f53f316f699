"""How often a key and a tenant may ask, and an address try wrong keys. Counted by each API process on its own."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from app.auth.addresses import place_of
from app.errors import RateLimited
from app.setting_values import OFF
from app.settings import Settings

TENANT = "tenant"
"""What is counted under this and a name is a tenant's."""
TENANT_TIMES = 4
"""Where no setting says it, a tenant may send as much as so many busy keys."""
MOST_ADDRESSES = 10_000
"""Addresses told apart; when more than these try wrong keys at once, the others are counted together."""


class RateLimits:
    """The limits of one process; raises `RateLimited` where one is reached."""

    def __init__(self, settings: Settings) -> None:
        self._requests, self._failures = _rate(settings.rate_limit), _rate(settings.auth_failures)
        self._tenants = _rate(settings.tenant_rate_limit) if settings.tenant_rate_limit else _times(self._requests)
        self._moving = MovingWindowRateLimiter(MemoryStorage())
        self._failed = MemoryStorage()
        self._fixed = FixedWindowRateLimiter(self._failed)

    def count(self, actor: str, *, tenant: str | None) -> None:
        """Count a request of a valid key, and of its tenant. Raises RateLimited when one has used up what it may."""
        if self._requests is not None and not self._moving.hit(self._requests, actor):
            raise _limited(f"this key may send {_words(self._requests)}", self._moving, self._requests, actor)
        if self._tenants is None or tenant is None:
            return
        if not self._moving.hit(self._tenants, TENANT, tenant):
            what = f"all keys of tenant {tenant!r} together may send {_words(self._tenants)}"
            raise _limited(what, self._moving, self._tenants, TENANT, tenant)

    def fail(self, address: str) -> None:
        """Count a wrong key. Raises RateLimited for an address that has lately sent too many."""
        if self._failures is not None and not self._fixed.hit(self._failures, self._place(address)):
            what = f"this address may send {_words(self._failures)} with wrong keys"
            raise _limited(what, self._fixed, self._failures, self._place(address))

    def _place(self, address: str) -> str:
        """Return what an address is counted under: its place, as long as there is room to tell them apart."""
        place = place_of(address)
        known = self._failures is not None and self._failures.key_for(place) in self._failed.storage
        return place if known or len(self._failed.storage) < MOST_ADDRESSES else "others"


def _rate(rate: str) -> RateLimitItem | None:
    return None if rate == OFF else parse(rate)


def _times(rate: RateLimitItem | None) -> RateLimitItem | None:
    """Return what a tenant may send where no setting says it."""
    return None if rate is None else type(rate)(TENANT_TIMES * rate.amount, rate.multiples)


def _limited(what: str, limiter: RateLimiter, item: RateLimitItem, *identifiers: str) -> RateLimited:
    wait = max(1, math.ceil(limiter.get_window_stats(item, *identifiers).reset_time - time.time()))
    return RateLimited(f"{what}; try again in {wait} s", retry_after=wait)


def _words(item: RateLimitItem) -> str:
    period = item.GRANULARITY.name if item.multiples == 1 else f"{item.multiples} {item.GRANULARITY.name}s"
    return f"{item.amount} requests per {period}"
