"""The pairs that wait for the engine: bounded, handed out in batches, fair to small requests next to large ones.

Bounded twice: by a number of pairs, which bounds memory, and by the seconds until a new request would be answered,
which is what its client cares for.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from app.errors import NotReady, QueueFull
from app.inference.throughput import Throughput

P = TypeVar("P")
R = TypeVar("R")

LONGEST_RETRY_S = 60
"""Most seconds that `Retry-After` says when the queue is full."""

SHARE = 8
"""A request may have one part in so many of a batch while others wait, or an equal share if that is more."""


@dataclass(eq=False)
class Work(Generic[P, R]):
    """One request's pairs, queued or with the engine. `future` gives the results in the order of the pairs."""

    pairs: Sequence[P]
    costs: Sequence[int]
    """Estimated tokens of each pair."""
    future: Future[list[R]] = field(default_factory=Future)
    accepted: float = field(default_factory=time.monotonic)
    started: float | None = None
    finished: float | None = None
    results: list[R | None] = field(default_factory=list)
    taken: int = 0
    """Pairs handed to the engine so far."""
    left: int = 0
    """Pairs without a result."""

    def __post_init__(self) -> None:
        self.results, self.left = [None] * len(self.pairs), len(self.pairs)

    @property
    def queued_s(self) -> float:
        """Seconds from being accepted to the first pair's turn; all of them for one that never had a turn."""
        return (self.started or time.monotonic()) - self.accepted

    @property
    def computed_s(self) -> float:
        """Seconds from the first pair's turn to the answer; 0 before."""
        return (self.finished or time.monotonic()) - self.started if self.started is not None else 0.0


class Slice(NamedTuple, Generic[P, R]):
    """Pairs `start` to `stop` of one request, handed to the engine in one batch."""

    work: Work[P, R]
    start: int
    stop: int

    @property
    def pairs(self) -> Sequence[P]:
        """The pairs themselves."""
        return self.work.pairs[self.start : self.stop]

    def deliver(self, results: Sequence[R]) -> None:
        """Put the results in their places; the last slice of a request answers it."""
        work = self.work
        work.results[self.start : self.stop] = results
        work.left -= len(results)
        if work.left == 0 and not work.future.done():
            work.future.set_result([result for result in work.results if result is not None])


class PairQueue(Generic[P, R]):
    """Filled by many threads, emptied by one."""

    def __init__(
        self, capacity: int, *, max_wait_s: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.capacity, self.max_wait_s = capacity, max_wait_s
        self._waiting: deque[Work[P, R]] = deque()
        self._pairs = 0
        self._tokens = 0
        self._budget = 0
        self._throughput = Throughput(clock=clock)
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Pairs that wait."""
        return self._pairs

    def admit(self, pairs: int = 1) -> None:
        """Raise QueueFull if a request of so many pairs could not be accepted now. An empty queue takes any."""
        if self._closed:
            raise NotReady("the service is shutting down; try another instance")
        if not self._pairs:
            return
        if self._pairs + pairs > self.capacity:
            raise QueueFull(
                f"{self._pairs} pairs are waiting already and at most {self.capacity} may; try again in a moment",
                retry_after=self._retry_after(),
            )
        if (wait := self._seconds_to_answer()) > self.max_wait_s:
            raise QueueFull(
                f"an answer would take about {math.ceil(wait)} s, for {self._pairs} pairs are waiting already, and "
                f"nobody shall wait for more than {self.max_wait_s:g} s; try again in a moment",
                retry_after=self._retry_after(),
            )

    def put(self, work: Work[P, R]) -> None:
        """Accept a request, or raise QueueFull. An empty queue takes a request of any size."""
        with self._changed:
            self.admit(len(work.pairs))
            self._waiting.append(work)
            self._pairs += len(work.pairs)
            self._tokens += sum(work.costs)
            self._changed.notify()

    def take(self, budget: int) -> list[Slice[P, R]]:
        """Wait for pairs and hand out about `budget` tokens of them; nothing once the queue is closed and empty.

        First come, first served, up to an equal share of the batch or a `SHARE`-th of it, whichever is more: requests
        of a few pairs are answered whole, and one of ten thousand pairs does not hold up one of three. A request with
        pairs left stays in front, so that later ones get shares next to it and do not overtake it.

        Asking for a batch says that the one before is done.
        """
        with self._changed:
            self._throughput.finish()
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[Slice[P, R]] = []
            unfinished: list[Work[P, R]] = []
            requests, share, left = len(self._waiting), budget // SHARE, budget
            for served in range(requests):
                work = self._waiting.popleft()
                piece, cost = self._slice(work, max(left // (requests - served), share))
                batch.append(piece)
                left -= cost
                if work.taken < len(work.pairs):
                    unfinished.append(work)
                if left <= 0:
                    break
            self._waiting.extendleft(reversed(unfinished))
            self._budget = budget
            self._throughput.begin(budget - left, budget=budget)
            return batch

    def idle_for(self, seconds: float) -> bool:
        """Tell whether no request comes for so long; returns as soon as one does, or the queue is closed."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._waiting or self._closed, seconds)

    def cancel(self, work: Work[P, R]) -> None:
        """Drop the pairs of a request that the engine has not been given yet."""
        with self._changed:
            self._drop(work)
            work.future.cancel()

    def fail(self, work: Work[P, R], error: Exception) -> None:
        """Answer a request with `error` and drop the rest of it."""
        with self._changed:
            self._drop(work)
            self._throughput.forget()
        if not work.future.done():
            work.future.set_exception(error)

    def close(self) -> None:
        """Accept nothing more; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _drop(self, work: Work[P, R]) -> None:
        if work in self._waiting:
            self._waiting.remove(work)
            self._pairs -= len(work.pairs) - work.taken
            self._tokens -= sum(work.costs[work.taken :])

    def _slice(self, work: Work[P, R], share: int) -> tuple[Slice[P, R], int]:
        """Take pairs of one request for `share` tokens, at least one pair; return them with their tokens."""
        if work.started is None:
            work.started = time.monotonic()
            work.future.set_running_or_notify_cancel()
        start, cost = work.taken, work.costs[work.taken]
        work.taken += 1
        while work.taken < len(work.pairs) and cost + work.costs[work.taken] <= share:
            cost += work.costs[work.taken]
            work.taken += 1
        self._pairs -= work.taken - start
        self._tokens -= cost
        return Slice(work, start, work.taken), cost

    def _seconds_to_answer(self) -> float:
        """Seconds until a request that came now would be answered: after what waits, and together with others."""
        return self._throughput.seconds(self._tokens + min(self._tokens, self._budget))

    def _retry_after(self) -> int:
        """Seconds until about half of what waits is done."""
        return max(1, min(LONGEST_RETRY_S, round(self._throughput.seconds(self._tokens) / 2)))
