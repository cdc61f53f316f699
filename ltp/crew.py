"""Dividing one call's work among threads, for work that leaves the interpreter: numpy, torch, hashing.

As many threads as torch computes with (`torch.get_num_threads`), the caller's among them. Torch's own threads divide
one operation on a large tensor; these divide a walk over blocks small enough to stay in a core's cache.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def share(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return `[work(item) for item in items]`, items taken in order by whichever thread is free.

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
            if not helper.cancel():  # one that has not begun is not waited for: the pool may be busy with others' work
                helper.result()
    return results  # type: ignore[return-value]  # every place is filled


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="crew")
