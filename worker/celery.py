"""The Celery application of a worker: the other end of the doorbell.

Messages carry a job's id in JSON and nothing else, are acknowledged before they are heard, and leave no result: Celery
executes nothing here. A long job would block a Celery worker's own consumer, or need its acknowledgement kept open for
longer than the visibility timeout, after which Redis delivers it again; and a Redis that fails would stop it from
working at all. So the runner works by itself, and `worker.listener` runs this application's worker beside it. With
early acknowledgement the visibility timeout only says when a bell that nobody acknowledged is rung again: too late to
matter, and too harmless.

`celery -A worker.celery inspect ping` asks who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery import Celery
from celery.concurrency.solo import TaskPool

from app.jobs.broker import RING, application
from app.settings import Settings

WORKER: dict[str, Any] = {
    "task_acks_late": False,
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_send_task_events": False,
    "broker_connection_retry": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "worker_cancel_long_running_tasks_on_connection_loss": True,  # there are none; unset, Celery warns at each loss
}
"""No prefetch, no process of Celery's, no hold on logging, and no end to trying again."""


def listening(url: str, ring: Callable[[str], None]) -> Celery:
    """Return the application whose worker calls `ring` with the id of each job it is told of."""
    celery = application(url)
    celery.conf.update(WORKER)

    @celery.task(name=RING, shared=False)  # type: ignore[misc, untyped-decorator, unused-ignore]
    def hear(job_id: str) -> None:
        ring(str(UUID(job_id)))

    return celery


def pool(free: Callable[[], bool]) -> type[TaskPool]:
    """Return a pool that has room only while `free`: a busy runner leaves its bells to those that have time."""

    class Pool(TaskPool):  # type: ignore[misc, unused-ignore]
        """Executes in the thread that listens, as tasks of a moment may."""

        @property
        def num_processes(self) -> int:
            """What `worker_disable_prefetch` compares with before it asks Redis for another message."""
            return 1 if free() else 0

    return Pool


def _url() -> str:
    url = Settings().redis_url
    return "redis://" if url is None else url.get_secret_value()


app = listening(_url(), lambda _: None)
