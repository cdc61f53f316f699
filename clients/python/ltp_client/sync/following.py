"""A job's progress as events: the service's stream, resumed where it broke off, or polling without a stream."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator

from ltp_client.errors import Error, NotAStream, StillRunning
from ltp_client.events import DONE, PROGRESS, STREAM, Decoder, Event
from ltp_client.sync.connection import Connection

RECONNECTS = 8
"""Broken streams in a row, without an event between them, before polling takes over."""
LONGEST_PAUSE_S = 5.0
POLL_S = 1.0
ENDED = frozenset({"succeeded", "failed", "cancelled"})
LOST_AFTER_S = 60.0
"""Polling gives up on a service that has not answered for so long; the job itself is not affected."""


def follow(
    connection: Connection, job_id: str, *, after: str | None = None, timeout_s: float | None = None
) -> Generator[Event, None]:
    """Yield a job's events until it is finished, from the first one or those after the event with the id `after`.

    Raises Refused or ServiceAway if the service refuses or stays away, StillRunning after `timeout_s`.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    last, broken = after, 0
    while broken < RECONNECTS:
        try:
            with contextlib.closing(_streamed(connection, job_id, last, deadline)) as events:
                for event in events:
                    broken, last = 0, event.id or last
                    yield event
                    if event.kind == DONE:
                        return
        except NotAStream:
            break
        except Error as error:
            if not error.passing:
                raise
        _check(deadline, job_id)
        broken += 1
        time.sleep(min(LONGEST_PAUSE_S, 0.25 * 2**broken))
    for event in _polled(connection, job_id, deadline):
        yield event


def _streamed(connection: Connection, job_id: str, last: str | None, deadline: float | None) -> Generator[Event, None]:
    headers = {"Accept": STREAM} | ({"Last-Event-ID": last} if last else {})
    left = None if deadline is None else max(0.01, deadline - time.monotonic())
    with connection.stream(f"/jobs/{job_id}/events", headers, read_s=left) as response:
        if not response.headers.get("Content-Type", "").startswith(STREAM):  # or 204: there are no more
            raise NotAStream("not_a_stream", "something on the way to the service does not pass event streams")
        decoder = Decoder()
        for chunk in response.iter_bytes():
            for event in decoder.feed(chunk):
                yield event
            _check(deadline, job_id)  # a job that reports on and on, or a comment that only keeps the stream open


def _polled(connection: Connection, job_id: str, deadline: float | None) -> Iterator[Event]:
    heard = time.monotonic()
    while True:
        try:
            job = connection.get(f"/jobs/{job_id}")
            heard = time.monotonic()
            yield Event(PROGRESS, job["progress"])
            if job["status"] in ENDED or job.get("finished_at"):  # a later release may know of further states
                yield Event(DONE, job)
                return
        except Error as error:
            if not error.passing or time.monotonic() - heard > LOST_AFTER_S:
                raise
        _check(deadline, job_id)
        time.sleep(POLL_S)


def _check(deadline: float | None, job_id: str) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise StillRunning("still_running", f"job {job_id} is not finished yet; it goes on")
