"""A cache bounded by bytes: the least recently used leaves first, and what is in use stays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Entry(Generic[T]):
    value: T
    nbytes: int
    pins: int = 0


class ByteCache(Generic[T]):
    """Values by key, made on demand, `capacity` bytes of them kept.

    A value larger than the whole capacity is served while it is in use and then leaves. `drop` takes effect at once for
    whoever comes next; who holds the value keeps it. Safe for several threads.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._lock = threading.Lock()
        self._drops = 0
        self.nbytes = self.hits = self.misses = self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    @contextmanager
    def pinned(self, key: str, make: Callable[[], tuple[T, int]]) -> Iterator[T]:
        """Hold a value in the cache while the block runs; `make` returns it with its bytes when it is not there."""
        entry = self._pin(key) or self._admit(key, make)
        try:
            yield entry.value
        finally:
            with self._lock:
                entry.pins -= 1
                self._evict()

    def _pin(self, key: str) -> _Entry[T] | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            entry.pins += 1
            return entry

    def _admit(self, key: str, make: Callable[[], tuple[T, int]]) -> _Entry[T]:
        drops = self._drops
        entry = _Entry(*make(), pins=1)
        with self._lock:
            if drops == self._drops:  # else it may have been dropped while it was being made
                self._remove(key)
                self._entries[key] = entry
                self.nbytes += entry.nbytes
                self._evict()
        return entry

    def _evict(self) -> None:
        for key in [key for key, entry in self._entries.items() if not entry.pins]:
            if self.nbytes <= self.capacity:
                return
            self._remove(key)
            self.evictions += 1

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.nbytes -= entry.nbytes

    def drop(self, key: str) -> None:
        """Forget a value."""
        with self._lock:
            self._drops += 1
            self._remove(key)

    def stats(self) -> dict[str, int]:
        """Counters since the start, and what is held now."""
        with self._lock:
            return {
                "entries": len(self._entries),
                "bytes": self.nbytes,
                "capacity": self.capacity,
                "hits": self.hits,
                "misses": self.misses,
                "evictions": self.evictions,
            }
