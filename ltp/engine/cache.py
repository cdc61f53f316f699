"""A cache bounded by bytes: the least recently used leaves first, and what is in use stays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Entry(Generic[T]):
    value: T
    nbytes: int
    pins: int = 0


@dataclass
class _Making(Generic[T]):
    """A value that some thread is making, and how many others wait for it."""

    done: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0
    entry: _Entry[T] | None = None
    """Pinned once for each waiting thread; None until it is made, and when it could not be made."""


class ByteCache(Generic[T]):
    """Values by key, made on demand, `capacity` bytes of them kept. Safe for several threads.

    A value that is being made is waited for, not made twice; when that fails, each thread that waited tries by itself.
    A value larger than the whole capacity is served while it is in use and then leaves. `drop` takes effect for the
    next call, also while the value is being made; a block that has pinned it keeps it.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._making: dict[Hashable, _Making[T]] = {}
        self._lock = threading.Lock()
        self.nbytes = self.pinned_bytes = self.hits = self.misses = self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @contextmanager
    def pinned(self, key: Hashable, make: Callable[[], tuple[T, int]]) -> Iterator[T]:
        """Hold a value in the cache while the block runs; `make` returns it with its bytes when it is not there."""
        entry = self._pinned_entry(key, make)
        try:
            yield entry.value
        finally:
            self._unpin(entry)

    @contextmanager
    def pinned_if_there(self, key: Hashable) -> Iterator[T | None]:
        """Hold a value while the block runs, or None; only finding one is counted."""
        with self._lock:
            entry = self._found(key)
        try:
            yield None if entry is None else entry.value
        finally:
            if entry is not None:
                self._unpin(entry)

    def admits(self, nbytes: int, beats: Callable[[Hashable], bool]) -> bool:
        """Tell whether a value of `nbytes` should be made: it fits, or `beats` is true of each one that would leave.

        What is refused counts as a miss.
        """
        with self._lock:
            room = self.capacity - self.nbytes
            for key, entry in self._entries.items():
                if room >= nbytes or nbytes > self.capacity:
                    break
                if not entry.pins:
                    if not beats(key):
                        break
                    room += entry.nbytes
            fits = room >= nbytes
            self.misses += not fits
            return fits

    def count_miss(self) -> None:
        """Count a caller that went on without the value."""
        with self._lock:
            self.misses += 1

    def _pinned_entry(self, key: Hashable, make: Callable[[], tuple[T, int]]) -> _Entry[T]:
        while True:
            with self._lock:
                if (entry := self._found(key)) is not None:
                    return entry
                making = self._making.get(key)
                if making is not None:
                    making.waiting += 1
                else:
                    self.misses += 1
                    mine = self._making[key] = _Making()
            if making is None:
                return self._make(key, mine, make)
            making.done.wait()
            if making.entry is not None:
                return making.entry

    def _found(self, key: Hashable) -> _Entry[T] | None:
        entry = self._entries.get(key)
        if entry is not None:
            self.hits += 1
            self._entries.move_to_end(key)
            self._pin(entry, 1)
        return entry

    def _pin(self, entry: _Entry[T], times: int) -> None:
        self.pinned_bytes += 0 if entry.pins else entry.nbytes
        entry.pins += times

    def _make(self, key: Hashable, making: _Making[T], make: Callable[[], tuple[T, int]]) -> _Entry[T]:
        try:
            entry = _Entry(*make())
        except BaseException:
            with self._lock:
                self._forget(key, making)
            making.done.set()
            raise
        with self._lock:
            self._pin(entry, 1 + making.waiting)
            making.entry = entry
            if self._forget(key, making):  # else it was dropped while it was being made
                self._entries[key] = entry
                self.nbytes += entry.nbytes
                self._evict()
        making.done.set()
        return entry

    def _forget(self, key: Hashable, making: _Making[T]) -> bool:
        known = self._making.get(key) is making
        if known:
            del self._making[key]
        return known

    def _unpin(self, entry: _Entry[T]) -> None:
        with self._lock:
            entry.pins -= 1
            self.pinned_bytes -= 0 if entry.pins else entry.nbytes
            self._evict()

    def _evict(self) -> None:
        if self.nbytes <= self.capacity:
            return
        leaving, over = [], self.nbytes - self.capacity
        for key, entry in self._entries.items():
            if over <= 0:
                break
            if not entry.pins:
                leaving.append(key)
                over -= entry.nbytes
        for key in leaving:
            self._remove(key)
            self.evictions += 1

    def _remove(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.nbytes -= entry.nbytes

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        with self._lock:
            self._making.pop(key, None)
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
