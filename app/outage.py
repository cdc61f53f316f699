"""The database being away: which errors say so, and for how long nobody need ask it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.errors import DatabaseUnavailable

UNREACHABLE = (OperationalError, InterfaceError, NoConnectionFree)
"""What SQLAlchemy raises when the database cannot be asked."""
RETRY_S = 2.0
"""Waiting for a connection that does not come takes seconds; requests that can do without it try only so often."""

Clock = Callable[[], float]


class Outage:
    """Remembers for `RETRY_S` that the database did not answer. Shared by all that can do without it for a while."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._until: float | None = None

    def refuse(self) -> None:
        """Raise `DatabaseUnavailable` if it failed so lately that asking again would only cost time."""
        if self._until is not None and self._clock() < self._until:
            raise DatabaseUnavailable

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Turn the database's failure to answer inside the block into `DatabaseUnavailable`, and remember it."""
        try:
            yield
        except UNREACHABLE as error:
            self._until = self._clock() + RETRY_S
            raise DatabaseUnavailable from error
