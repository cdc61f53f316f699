"""The pairs that wait for the engine: bounded, handed out in batches, fair to small requests beside large ones.

Bounded twice: by a number of pairs, which bounds memory, and by the seconds until a newcomer would be answered, which
is what somebody who waits cares for.
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
from app.inference.throughput import Pace

P = TypeVar("P")
R = TypeVar("R")

PATIENCE_S = 60
"""Most seconds a caller is asked to wait when the queue is full."""

TURN = 8
"""Part of a batch that one request may have while others wait."""


@dataclass(eq=False)
class Work(Generic[P, R]):
    """One request's pairs on their way through the engine. `future` gives the results in the order of the pairs."""

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
    """Pairs `start` to `stop` of one request, in the engine's hands."""

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
        self._pace = Pace(clock=clock)
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
                retry_after=self._patience(),
            )
        if (wait := self._wait()) > self.max_wait_s:
            raise QueueFull(
                f"an answer would take about {math.ceil(wait)} s, for {self._pairs} pairs are waiting already, and "
                f"nobody shall wait for more than {self.max_wait_s:g} s; try again in a moment",
                retry_after=self._patience(),
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

        First come, first served, up to an equal share of the batch or a `TURN` of it, whichever is more: requests of a
        few pairs are answered whole, and one of ten thousand pairs does not hold up one of three. Who is not through
        stays in front, so that newcomers take room beside it and no more.

        Asking for a batch says that the one before is done.
        """
        with self._changed:
            self._pace.finish()
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[Slice[P, R]] = []
            unfinished: list[Work[P, R]] = []
            requests, turn, left = len(self._waiting), budget // TURN, budget
            for served in range(requests):
                work = self._waiting.popleft()
                piece, cost = self._cut(work, max(left // (requests - served), turn))
                batch.append(piece)
                left -= cost
                if work.taken < len(work.pairs):
                    unfinished.append(work)
                if left <= 0:
                    break
            self._waiting.extendleft(reversed(unfinished))
            self._budget = budget
            self._pace.begin(budget - left, budget=budget)
            return batch

    def rests(self, seconds: float) -> bool:
        """Tell whether nothing comes for so long; returns as soon as something does."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._waiting or self._closed, seconds)

    def cancel(self, work: Work[P, R]) -> None:
        """Forget the pairs of a request that the engine has not been given yet."""
        with self._changed:
            self._drop(work)
            work.future.cancel()

    def fail(self, work: Work[P, R], error: Exception) -> None:
        """Answer a request with `error` and forget the rest of it."""
        with self._changed:
            self._drop(work)
            self._pace.forget()
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

    def _cut(self, work: Work[P, R], share: int) -> tuple[Slice[P, R], int]:
        """Take pairs of one request for `share` tokens, at least one; returns what they cost, too."""
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

    def _wait(self) -> float:
        """Seconds until a request that came now would be answered: after what waits, and with others in its batch."""
        return self._pace.seconds(self._tokens + min(self._tokens, self._budget))

    def _patience(self) -> int:
        """Seconds until about half of what waits is done."""
        return max(1, min(PATIENCE_S, round(self._pace.seconds(self._tokens) / 2)))
