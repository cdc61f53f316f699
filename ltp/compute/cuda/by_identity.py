"""What was computed of an object, kept while the object lives; known by which object it is, not by its value."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ByIdentity(Generic[K, V]):
    """Values of objects that can be referred to weakly. Safe for threads; two may compute one at the same time."""

    def __init__(self) -> None:
        self._held: dict[int, V] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def of(self, thing: K, make: Callable[[K], V]) -> V:
        """Return the value of `thing`, computed if it is not known."""
        key = id(thing)
        with self._lock:
            if key in self._held:
                return self._held[key]
        value = make(thing)
        with self._lock:
            if key not in self._held:
                weakref.finalize(thing, self._held.pop, key, None).atexit = False
            self._held[key] = value
        return value
