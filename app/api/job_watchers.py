"""Jobs that are being watched: one task looks at each in the database, however many streams show its events."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app import jobs
from app.storage.database import Database

POLL_S = 0.5
"""How often a watched job is looked at."""
KEPT = 500
"""A job's newest events in memory; a stream that is further behind reads the database itself."""


class JobWatchers:
    """The watched jobs of one process, on its event loop alone. `draining` tells whether the process is to stop."""

    def __init__(self, *, draining: Callable[[], bool]) -> None:
        self._draining = draining
        self._watched: dict[str, WatchedJob] = {}

    @contextmanager
    def watch(self, db: Database, job_id: str, seq: int) -> Iterator[WatchedJob]:
        """Watch a job from event `seq` on; whoever watches it already is joined. `db` is its tenant's view."""
        job = self._watched.get(job_id)
        if job is None or job.failure is not None:
            job = self._watched[job_id] = WatchedJob(db, job_id, seq, draining=self._draining)
        job.watchers += 1
        try:
            yield job
        finally:
            job.watchers -= 1
            if not job.watchers:
                job.stop()
                if self._watched.get(job_id) is job:
                    del self._watched[job_id]


class WatchedJob:
    """One job's newest events, kept up to date while anyone watches."""

    def __init__(self, db: Database, job_id: str, seq: int, *, draining: Callable[[], bool]) -> None:
        self.watchers = 0
        self.failure: Exception | None = None
        """Why nobody looks any more: the database did not answer."""
        self._db, self._job_id, self._draining = db, job_id, draining
        self._recent: deque[ServerSentEvent] = deque(maxlen=KEPT)
        self._complete_after = self._newest = seq
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._look())

    async def after(self, seq: int) -> list[ServerSentEvent]:
        """Return the events known after number `seq`, or the first of them. Raises what the database raised."""
        if seq < self._complete_after:
            return await run_in_threadpool(events_after, self._db, self._job_id, seq)
        if self.failure is not None:
            raise self.failure
        return [event for event in self._recent if number(event) > seq] if seq < self._newest else []

    async def wait(self, seq: int, seconds: float) -> None:
        """Wait until there is something after `seq`, or the process is to stop, but no longer than `seconds`."""
        if seq >= self._newest and self.failure is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _look(self) -> None:
        try:
            while True:
                events = await run_in_threadpool(events_after, self._db, self._job_id, self._newest)
                for event in events:
                    self._keep(event)
                if events or self._draining():
                    self._tell()
                if events and events[-1].event == "done":
                    return
                await asyncio.sleep(POLL_S)
        except Exception as error:  # noqa: BLE001  each watcher raises it
            self.failure = error
            self._tell()

    def _keep(self, event: ServerSentEvent) -> None:
        if len(self._recent) == KEPT:
            self._complete_after = number(self._recent[0])
        self._recent.append(event)
        self._newest = number(event)

    def _tell(self) -> None:
        """Wake everyone who waits now."""
        self._news.set()
        self._news = asyncio.Event()


def events_after(db: Database, job_id: str, seq: int) -> list[ServerSentEvent]:
    """Read a job's events after number `seq`, as they are sent."""
    with db.read() as session:
        rows = jobs.events_after(session, job_id, seq)
    return [ServerSentEvent(json.dumps(row.data, ensure_ascii=False), event=row.kind, id=str(row.seq)) for row in rows]


def number(event: ServerSentEvent) -> int:
    """Return an event's number within its job."""
    return int(event.id or 0)
