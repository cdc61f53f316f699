"""Clients of `POST /predict` on raw sockets, cheap enough not to take the processor from the service they measure.

A request is bytes made beforehand, connections are kept, and of an answer only status, length and two headers are read.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

Pair = tuple[str, str]


def request(lang: str, pairs: Sequence[Pair]) -> bytes:
    """A whole request."""
    bodies = [{"premise": premise, "hypothesis": hypothesis} for premise, hypothesis in pairs]
    body = json.dumps({"lang": lang, "pairs": bodies}, ensure_ascii=False).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class Tally:
    """What came back: how many of each status, seconds until each 200, and refusals that did not say when to return."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0
    """Seconds from the first request to the last answer."""
    speechless: int = 0
    late: int = 0
    """Arrivals that found no connection free; their seconds count from when they should have been sent."""

    def note(self, answer: bytes, seconds: float) -> None:
        """Count one answer."""
        status = int(answer[9:12])
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(seconds)
        elif b"retry-after:" not in answer[: answer.index(b"\r\n\r\n")].lower():
            self.speechless += 1

    def summary(self) -> dict[str, Any]:
        """As JSON; milliseconds."""
        centiles = statistics.quantiles(self.seconds, n=100)
        return {
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "p50_ms": 1000 * centiles[49],
            "p99_ms": 1000 * centiles[98],
            "most_ms": 1000 * max(self.seconds),
            "without_retry_after": self.speechless,
            "late": self.late,
        }


class Client(asyncio.Protocol):
    """One kept connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = bytearray()
        self._length = 0
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))

    def ask(self, sent: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future gives head and body of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(sent)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._length and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).lower()
            self._length = end + 4 + int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        if self._length and len(self._received) >= self._length and self._answer is not None:
            self._answer.set_result(bytes(self._received))
            self._received, self._length = bytearray(), 0


def keep_asking(port: int, requests: Sequence[bytes], *, clients: int, warmup: int = 0) -> Tally:
    """`clients` that each send the next request as soon as they have an answer; the first `warmup` do not count."""
    return uvloop.run(_keep_asking(port, requests, clients, warmup))


async def _keep_asking(port: int, requests: Sequence[bytes], clients: int, warmup: int) -> Tally:
    callers = [await _connected(port) for _ in range(clients)]
    tally = Tally()
    for part in (requests[:warmup], requests[warmup:]):
        waiting = iter(part)
        tally, began = Tally(), time.monotonic()
        await asyncio.gather(*(_ask_all(caller, waiting, tally) for caller in callers))
        tally.took = time.monotonic() - began
    return tally


async def _ask_all(caller: Client, waiting: Iterator[bytes], tally: Tally) -> None:
    for sent in waiting:
        began = time.monotonic()
        tally.note(await caller.ask(sent), time.monotonic() - began)


def arrive(port: int, requests: Sequence[bytes], *, rate: float, seconds: float, most: int, seed: int = 0) -> Tally:
    """Requests that arrive by chance, `rate` a second, whether or not earlier ones are answered; `most` connections."""
    return uvloop.run(_arrive(port, requests, rate, seconds, most, random.Random(seed)))


async def _arrive(
    port: int, requests: Sequence[bytes], rate: float, seconds: float, most: int, chance: random.Random
) -> Tally:
    tally, free, places = Tally(), list[Client](), asyncio.Semaphore(most)

    async def come(due: float, sent: bytes) -> None:
        tally.late += places.locked()
        async with places:
            caller = free.pop() if free else await _connected(port)
            tally.note(await caller.ask(sent), time.monotonic() - due)
            free.append(caller)

    began = due = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for sent in itertools.cycle(requests):
            due += chance.expovariate(rate)
            if due > began + seconds:
                break
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            group.create_task(come(due, sent))
    tally.took = time.monotonic() - began
    return tally


async def _connected(port: int) -> Client:
    return (await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port))[1]
