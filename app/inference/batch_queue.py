"""The pairs that wait for the engine: bounded, handed out in batches, fair between tenants and between requests.

Bounded twice: by a number of pairs, which bounds memory, and by the seconds until a new request would be answered,
which is what its client cares for. A tenant may fill the queue while it is alone; others still find their share of it,
so twice the number waits at most, and nobody is refused for what another tenant sent.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from app.errors import NotReady, QueueFull
from app.inference.throughput import Throughput
from app.inference.waiting import Line, Waiting
from app.inference.work import Work

P = TypeVar("P")
R = TypeVar("R")

LONGEST_RETRY_S = 60
"""Most seconds that `Retry-After` says when the queue is full."""

SHARE = 8
"""A request may have one part in so many of a batch while others wait, or an equal share if that is more."""


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
        self._waiting = Waiting()
        self._budget = 0
        self._throughput = Throughput(clock=clock)
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Pairs that wait."""
        return self._waiting.pairs

    def admit(self, pairs: int = 1, *, tenant: str = "") -> None:
        """Raise QueueFull if so many pairs of a tenant could not be accepted now. An empty queue takes any."""
        if self._closed:
            raise NotReady("the service is shutting down; try another instance")
        if not self._waiting:
            return
        waiting, mine = self._waiting.pairs, self._waiting.line_of(tenant).pairs
        share = self.capacity // self._waiting.tenants_with(tenant)
        if waiting + pairs > self.capacity and mine + pairs > share:
            whose = f"{mine} of yours among them, " if mine < waiting else ""
            raise QueueFull(
                f"{waiting} pairs are waiting already, {whose}and at most {self.capacity} may; try again in a moment",
                retry_after=self._retry_after(tenant),
            )
        if (wait := self._seconds_to_answer(tenant)) > self.max_wait_s:
            raise QueueFull(
                f"an answer would take about {math.ceil(wait)} s, for {waiting} pairs are waiting already, and "
                f"nobody shall wait for more than {self.max_wait_s:g} s; try again in a moment",
                retry_after=self._retry_after(tenant),
            )

    def put(self, work: Work[P, R]) -> None:
        """Accept a request, or raise QueueFull. An empty queue takes a request of any size."""
        with self._changed:
            self.admit(len(work.pairs), tenant=work.tenant)
            self._waiting.add(work)
            self._changed.notify()

    def take(self, budget: int) -> list[Slice[P, R]]:
        """Wait for pairs and hand out about `budget` tokens of them; nothing once the queue is closed and empty.

        Each tenant that waits has an equal share of the batch, and what others leave of theirs. Within it: first come,
        first served, up to an equal share or a `SHARE`-th of it, whichever is more: requests of a few pairs are
        answered whole, and one of ten thousand pairs does not hold up one of three. A request with pairs left stays in
        front, so that later ones get shares next to it and do not overtake it.

        Asking for a batch says that the one before is done.
        """
        with self._changed:
            self._throughput.finish()
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[Slice[P, R]] = []
            left = budget
            for line, others in self._waiting.turns():
                left -= self._serve(line, left // (others + 1), batch)
                if left <= 0:
                    break
            self._budget = budget
            self._throughput.begin(budget - left, budget=budget)
            return batch

    def _serve(self, line: Line, budget: int, batch: list[Slice[P, R]]) -> int:
        """Add about `budget` tokens of one tenant to the batch, one pair at least; return how many they are."""
        unfinished: list[Work[P, R]] = []
        requests, share, left = len(line.requests), budget // SHARE, budget
        for served in range(requests):
            work = line.requests.popleft()
            piece, cost = self._slice(work, max(left // (requests - served), share))
            batch.append(piece)
            left -= cost
            if work.taken < len(work.pairs):
                unfinished.append(work)
            if left <= 0:
                break
        line.requests.extendleft(reversed(unfinished))
        return budget - left

    def idle_for(self, seconds: float) -> bool:
        """Tell whether no request comes for so long; returns as soon as one does, or the queue is closed."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._waiting or self._closed, seconds)

    def cancel(self, work: Work[P, R]) -> None:
        """Drop the pairs of a request that the engine has not been given yet."""
        with self._changed:
            self._waiting.drop(work)
            work.future.cancel()

    def fail(self, work: Work[P, R], error: Exception) -> None:
        """Answer a request with `error` and drop the rest of it."""
        with self._changed:
            self._waiting.drop(work)
            self._throughput.forget()
        if not work.future.done():
            work.future.set_exception(error)

    def close(self) -> None:
        """Accept nothing more; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

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
        self._waiting.taken(work, work.taken - start, cost)
        return Slice(work, start, work.taken), cost

    def _seconds_to_answer(self, tenant: str) -> float:
        """Seconds until a request that came now would be answered: after what waits, and together with others."""
        before = self._waiting.tokens_before(tenant)
        return self._throughput.seconds(before + min(self._waiting.tokens, self._budget))

    def _retry_after(self, tenant: str) -> int:
        """Seconds until about half of what waits before a tenant's next request is done."""
        before = self._throughput.seconds(self._waiting.tokens_before(tenant))
        return max(1, min(LONGEST_RETRY_S, round(before / 2)))
