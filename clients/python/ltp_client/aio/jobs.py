"""Jobs, and the workers that do them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ltp_client.aio.connection import AsyncConnection
from ltp_client.aio.following import follow
from ltp_client.aio.running import check_succeeded, wait_for
from ltp_client.events import Event
from ltp_client.models import Job, Worker
from ltp_client.progress import OnEvent
from ltp_client.record import read


class Jobs:
    """`client.jobs`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, job_id: str) -> Job:
        """Look at one: how far it is, or why it failed."""
        return read(Job, await self._connection.get(f"/jobs/{job_id}"))

    async def cancel(self, job_id: str) -> Job:
        """Ask one to stop; what it has made so far is discarded."""
        return read(Job, await self._connection.post(f"/jobs/{job_id}/cancel"))

    def events(self, job_id: str, *, after: str | None = None, timeout_s: float | None = None) -> AsyncIterator[Event]:
        """A job's events until it is finished, from the first one or those after the one with the id `after`.

        The stream is resumed where it broke off; where no stream passes, the job is asked every second.
        """
        return follow(self._connection, job_id, after=after, timeout_s=timeout_s)

    async def wait(self, job_id: str, *, progress: bool | OnEvent = True, timeout_s: float | None = None) -> Job:
        """Wait until one has succeeded. Raises JobFailed, JobCancelled, or StillRunning after `timeout_s`."""
        await wait_for(self._connection, await self.get(job_id), progress=progress, timeout_s=timeout_s)
        job = await self.get(job_id)
        check_succeeded(job)
        return job

    async def list(
        self, *, status: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Job]:
        """Jobs, newest first."""
        async for item in self._connection.pages("/jobs", status=status, kind=kind, limit=limit):
            yield read(Job, item)


class Workers:
    """`client.workers`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self, *, limit: int | None = None) -> AsyncIterator[Worker]:
        """Runners that were heard lately."""
        async for item in self._connection.pages("/workers", limit=limit):
            yield read(Worker, item)
