"""Dividing one call's work among threads, for work that leaves the interpreter: numpy, torch, hashing.

As many threads as torch computes with (`torch.get_num_threads`). Torch's own threads divide one operation on a large
tensor. `parallel_map` divides work on blocks small enough to stay in a core's cache; `map_single_threaded` gives every
item a core to itself, so that many small operations need not wait for each other one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import torch

MEANWHILE_S = 0.2
"""Seconds between two calls of what is to be called meanwhile."""

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return `[work(item) for item in items]`, items taken in order by the next free thread.

    When one fails no further item is begun, and the failure is raised once every thread has stopped.
    """
    given = list(items)
    results: list[R | None] = [None] * len(given)
    numbers, lock = iter(range(len(given))), threading.Lock()

    def take() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results[number] = work(given[number])
            except BaseException:
                with lock:
                    for _ in numbers:
                        pass
                raise

    helpers = [_pool().submit(take) for _ in range(min(torch.get_num_threads(), len(given)) - 1)]
    try:
        take()
    finally:
        for helper in helpers:
            if not helper.cancel():  # one that has not begun is not waited for: the pool may be busy with another call
                helper.result()
    return results  # type: ignore[return-value]  # every place is filled


def map_single_threaded(
    work: Callable[[T], R], items: Sequence[T], *, meanwhile: Callable[[], None] | None = None
) -> list[R]:
    """Return `[work(item) for item in items]`, each computed by a thread in which torch divides nothing further.

    When some fail the first failure is raised, once all have ended. `meanwhile` is called in this thread now and then;
    what it raises is raised once what had begun has ended, and nothing further begins.
    """
    futures = [_single_threads(torch.get_num_threads()).submit(work, item) for item in items]
    try:
        while wait(futures, timeout=MEANWHILE_S if meanwhile else None).not_done:
            if meanwhile:
                meanwhile()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    finally:
        wait(futures)
    return [future.result() for future in futures]


@cache
def _single_threads(count: int) -> ThreadPoolExecutor:
    started = threading.Barrier(count + 1)

    def begin() -> None:
        torch.get_num_threads()  # the first call sets the thread to the number set last: let it pass before ours
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(count, "single-thread", initializer=begin)
    for _ in range(count):
        pool.submit(int)  # each starts a thread, since the ones before wait at the barrier
    started.wait()
    torch.set_num_threads(count)  # torch gives new threads the number that any thread set last
    return pool


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="shared-work")
