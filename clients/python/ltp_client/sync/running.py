"""Work that the service has accepted: its job, and what comes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from ltp_client.errors import JobCancelled, JobFailed
from ltp_client.events import Event
from ltp_client.models import Job
from ltp_client.progress import OnEvent, shown
from ltp_client.record import Record, read
from ltp_client.sync.connection import Connection
from ltp_client.sync.following import follow

Made = TypeVar("Made", bound=Record)


class Running(Generic[Made]):
    """A job that was accepted. `made` is what it makes, as it was known last: pending, until the job is finished."""

    def __init__(self, connection: Connection, accepted: Mapping[str, Any], kind: type[Made], path: str) -> None:
        """`path` is where lists of what is made are; its name in an answer is that of the job's resource."""
        self._connection, self._kind = connection, kind
        self.job = read(Job, accepted["job"])
        self.made = read(kind, accepted[self.job.resource.kind])
        self._path = f"{path}/{self.job.resource.id}"

    def __repr__(self) -> str:
        return f"<{self.job.kind} job {self.job.id}: {self.job.status}>"

    @property
    def id(self) -> str:
        """The job's id."""
        return self.job.id

    def refresh(self) -> Job:
        """Ask how far it is."""
        self.job = read(Job, self._connection.get(f"/jobs/{self.job.id}"))
        return self.job

    def cancel(self) -> Job:
        """Ask it to stop; what it has made so far is discarded."""
        self.job = read(Job, self._connection.post(f"/jobs/{self.job.id}/cancel"))
        return self.job

    def events(self, *, after: str | None = None, timeout_s: float | None = None) -> Iterator[Event]:
        """Its events until it is finished, from the first one or those after the one with the id `after`."""
        return follow(self._connection, self.job.id, after=after, timeout_s=timeout_s)

    def wait(self, *, progress: bool | OnEvent = True, timeout_s: float | None = None) -> Made:
        """Wait until it is finished; returns what it made.

        `progress` draws a bar on a terminal, and nothing elsewhere; a callable gets each event instead. Raises
        JobFailed, JobCancelled, or StillRunning after `timeout_s`. Ctrl-C ends the waiting, not the job.
        """
        wait_for(self._connection, self.job, progress=progress, timeout_s=timeout_s)
        self.job = read(Job, self._connection.get(f"/jobs/{self.job.id}"))
        check_succeeded(self.job)
        self.made = read(self._kind, self._connection.get(self._path))
        return self.made


def wait_for(connection: Connection, job: Job, *, progress: bool | OnEvent, timeout_s: float | None) -> None:
    """Follow a job to its end and show its events."""
    with shown(job.kind, progress=progress) as show:
        with contextlib.closing(follow(connection, job.id, timeout_s=timeout_s)) as events:
            for event in events:
                show(event)


def check_succeeded(job: Job) -> None:
    """Raise JobFailed, or JobCancelled, for a job that has no result."""
    if job.status == "succeeded":
        return
    kind = JobCancelled if job.status == "cancelled" else JobFailed
    code, detail = (job.error.code, job.error.detail) if job.error else (job.status, f"it was {job.status}")
    raise kind(code, f"job {job.id}: {detail}")
