"""A job's progress as events, for commands."""

from __future__ import annotations

from collections.abc import Iterator

from app.cli.client import Client, failures
from ltp_client.events import Event
from ltp_client.sync import following


def follow(client: Client, job_id: str) -> Iterator[Event]:
    """Yield a job's events until it is finished. Raises Failure if the service refuses or stays away."""
    with failures():
        yield from following.follow(client.connection, job_id)
