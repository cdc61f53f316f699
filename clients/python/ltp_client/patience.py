"""What is tried again, how often, and what is said meanwhile. Knows no transport: both clients ask it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ltp_client.errors import BadGateway, Busy, ConnectionLost, Error, NoService, ProxyBusy

log = logging.getLogger("ltp_client")

BUSY_PAUSE_S = 1.0
"""Until a busy service is asked again, where it does not say."""
FIRST_PAUSE_S = 0.5
"""Until a lost request is sent again; twice as long each time."""


@dataclass(frozen=True)
class Wait:
    """A pause before a request is sent once more."""

    seconds: float
    because: Error

    def __str__(self) -> str:
        return f"{self.because.detail}; asking again in {self.seconds:.3g} s"


OnWait = Callable[[Wait], None]


def tell(wait: Wait) -> None:
    """Say it through the logger `ltp_client`, which prints warnings where nobody configured logging."""
    log.warning("%s", wait)


@dataclass
class Patience:
    """How long one request is kept up, and who is told of each pause."""

    busy_s: float = 120.0
    """In all, for a service that answers 429 or 503."""
    attempts: int = 3
    """Of a request whose connection broke, if sending it twice does no harm."""
    connect_attempts: int = 3
    """Where nothing listens."""
    on_wait: OnWait = tell

    def begin(self, *, repeatable: bool) -> Attempts:
        """The attempts at one request."""
        return Attempts(self, repeatable=repeatable)


class Attempts:
    """Attempts at one request; `lost` once a connection broke, so that it may have been carried out unheard."""

    def __init__(self, patience: Patience, *, repeatable: bool) -> None:
        self._patience, self._repeatable = patience, repeatable
        self._began = time.monotonic()
        self._faults = 0
        self.lost = False

    def pause_after(self, error: Error) -> float:
        """Seconds until the next attempt, told to whom it may concern. Raises the error where there is none."""
        pause = self._pause(error)
        if pause is None:
            raise error
        self._patience.on_wait(Wait(pause, error))
        return pause

    def _pause(self, error: Error) -> float | None:
        if isinstance(error, ProxyBusy):
            if not self._repeatable:
                return None
            self.lost = True
        if isinstance(error, Busy):
            pause = error.retry_after or BUSY_PAUSE_S
            waited = time.monotonic() - self._began
            return pause if waited + pause < self._patience.busy_s else None
        self._faults += 1
        pause = FIRST_PAUSE_S * 2 ** (self._faults - 1)
        if isinstance(error, NoService):
            return pause if self._faults < self._patience.connect_attempts else None
        if isinstance(error, ConnectionLost | BadGateway) and self._repeatable:
            self.lost = True
            return pause if self._faults < self._patience.attempts else None
        return None
