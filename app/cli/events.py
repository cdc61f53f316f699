"""A job's progress as events: the service's stream, resumed where it broke off, or polling without a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from app.cli.client import Client
from app.cli.failure import Failure
from app.storage.job_status import FINISHED

RECONNECTS = 8
"""Broken streams in a row, without an event between them, before polling takes over."""
LONGEST_PAUSE_S = 5.0
POLL_S = 1.0
LOST_AFTER_S = 60.0
"""Polling gives up on a service that has not answered for so long; the job itself is not affected."""


@dataclass(frozen=True)
class Event:
    """One event of a job: `progress`, `log` or `done`."""

    kind: str
    data: dict[str, Any]
    id: str | None = None


def follow(client: Client, job_id: str) -> Iterator[Event]:
    """Yield a job's events until it is finished. Raises Failure if the service refuses or stays away."""
    last: str | None = None
    broken = 0
    while broken < RECONNECTS:
        try:
            for event in _streamed(client, job_id, last):
                broken, last = 0, event.id or last
                yield event
                if event.kind == "done":
                    return
        except Failure as failure:
            if not failure.passing and failure.code not in {"connection_lost", "no_service", "not_a_stream"}:
                raise
            if failure.code == "not_a_stream":
                break
        broken += 1
        time.sleep(min(LONGEST_PAUSE_S, 0.25 * 2**broken))
    yield from _polled(client, job_id)


def _streamed(client: Client, job_id: str, last: str | None) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    with client.stream(f"/jobs/{job_id}/events", headers) as response:
        try:
            yield from read(response)
        except SSEError as error:
            detail = "something on the way to the service does not pass event streams"
            raise Failure("not_a_stream", detail) from error


def read(response: httpx.Response) -> Iterator[Event]:
    """Read server-sent events whose data is a JSON object; one that was cut off is left out.

    Raises httpx_sse.SSEError for an answer of another content type.
    """
    for event in EventSource(response).iter_sse():
        if event.data:
            yield Event(event.event, event.json(), event.id or None)


def _polled(client: Client, job_id: str) -> Iterator[Event]:
    heard = time.monotonic()
    while True:
        try:
            job = client.get(f"/jobs/{job_id}")
            heard = time.monotonic()
            yield Event("progress", job["progress"])
            if job["status"] in FINISHED:
                yield Event("done", job)
                return
        except Failure as failure:
            away = failure.passing or failure.code in {"connection_lost", "no_service"}
            if not away or time.monotonic() - heard > LOST_AFTER_S:
                raise
        time.sleep(POLL_S)
