"""The Celery application of a worker: the receiving end of `app.jobs.broker`.

Messages carry a job's id in JSON and nothing else, are acknowledged before they are handled, and leave no result:
Celery executes no job. A long one would block a Celery worker's own consumer, or need its acknowledgement kept open for
longer than the visibility timeout, after which Redis delivers it again; and a Redis that fails would stop it from
working at all. So the runner works by itself, and `worker.listener` runs this application's worker in a thread. With
early acknowledgement the visibility timeout only says when a message that was not acknowledged is delivered again: too
late to matter, and harmless.

`celery -A worker.celery inspect ping` asks who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery import Celery
from celery.concurrency.solo import TaskPool

from app.jobs.broker import WAKE_TASK, application
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


def worker_application(url: str, wake: Callable[[str], None]) -> Celery:
    """Return the application whose worker calls `wake` with the id of each job it is told of."""
    celery = application(url)
    celery.conf.update(WORKER)

    @celery.task(name=WAKE_TASK, shared=False)  # type: ignore[misc, untyped-decorator, unused-ignore]
    def receive(job_id: str) -> None:
        wake(str(UUID(job_id)))

    return celery


def pool(free: Callable[[], bool]) -> type[TaskPool]:
    """Return a pool that has room only while `free`: a busy runner leaves messages to idle ones."""

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


app = worker_application(_url(), lambda _: None)
