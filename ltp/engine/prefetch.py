"""Fetching ahead: one thread that brings in what is about to be needed, as long as the queue holds a key."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable

log = logging.getLogger(__name__)


class Prefetcher:
    """Calls `fetch` for each key asked for, in order, in a thread of its own that ends when nothing is left to do.

    A failure is only logged: the call that needs the value fetches it again, and raises what that raises.
    """

    def __init__(self, fetch: Callable[[Hashable], object]) -> None:
        self._fetch = fetch
        self._asked: OrderedDict[Hashable, None] = OrderedDict()
        self._lock = threading.Lock()
        self._running = False

    def request(self, keys: Iterable[Hashable]) -> None:
        """Put keys in the queue, each once; returns at once."""
        with self._lock:
            self._asked.update(dict.fromkeys(keys))
            if self._asked and not self._running:
                self._running = True
                threading.Thread(target=self._run, name="prefetch", daemon=True).start()

    def cancel(self, key: Hashable) -> None:
        """Take a key out of the queue; a fetch that has begun goes on."""
        with self._lock:
            self._asked.pop(key, None)

    def _run(self) -> None:
        while (key := self._next()) is not None:
            try:
                self._fetch(key)
            except Exception:  # the call that needs the value raises it
                log.debug("%s could not be fetched ahead", key, exc_info=True)

    def _next(self) -> Hashable | None:
        with self._lock:
            if self._asked:
                return self._asked.popitem(last=False)[0]
            self._running = False
            return None
