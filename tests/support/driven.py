"""Both clients as one: what is asynchronous is run to its end, so that one test speaks to either."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ltp_client

KINDS = ("sync", "async")


class Driven:
    """An object of the asynchronous client, with its methods run at once."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target, self._runner = target, runner

    def __getattr__(self, name: str) -> Any:
        return self._resolved(getattr(self._target, name))

    def _resolved(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return self._resolved(self._runner.run(_awaited(value)))
        if isinstance(value, AsyncIterator):
            return self._items(value)
        if callable(value):
            return lambda *args, **kwargs: self._resolved(value(*args, **kwargs))
        return Driven(value, self._runner) if type(value).__module__.startswith("ltp_client.aio") else value

    def _items(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._resolved(self._runner.run(_awaited(anext(items))))
            except StopAsyncIteration:
                return


async def _awaited(value: Any) -> Any:
    return await value


@contextmanager
def opened(kind: str, url: str, **options: Any) -> Iterator[Any]:
    """A client of one of the KINDS."""
    if kind == "sync":
        with ltp_client.Client(url, **options) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        client = Driven(runner.run(_made(lambda: ltp_client.AsyncClient(url, **options))), runner)
        yield client
        client.close()


async def _made(make: Callable[[], Any]) -> Any:
    return make()
