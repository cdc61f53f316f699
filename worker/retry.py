"""Bearing with a database that is away for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from app.storage.circuit_breaker import UNREACHABLE
from app.storage.disk_full import is_storage_full

RETRY_S = 1.0
"""Pause before the database is asked again after it failed."""

Result = TypeVar("Result")


def patiently(act: Callable[[], Result], *, patience_s: float) -> Result:
    """Do it again and again while the database does not answer; raise its error after `patience_s`.

    A transaction may have been committed although its answer got lost: `act` must stand its repetition.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return act()
        except UNREACHABLE as error:
            if is_storage_full(error) or time.monotonic() > deadline:
                raise
            time.sleep(min(RETRY_S, patience_s / 5))
