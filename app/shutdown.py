"""Leaving in good order: at the first signal the service stops calling itself ready, then the server shuts down.

The server itself stops accepting connections and waits for the requests it has; what it does not know is told here.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def announced(drain: Callable[[], None]) -> Iterator[None]:
    """Call `drain` at the first signal, before whoever handled it until now; only the main thread can arrange that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def first(number: int, frame: FrameType | None) -> None:
        drain()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in SIGNALS:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
