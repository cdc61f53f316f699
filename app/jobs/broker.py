"""The message that wakes a worker: when a job is committed, its id spares an idle worker the wait for its next poll.

The database is the queue. A message that is lost, late, or sent ten times changes nothing, so no request waits or fails
for its sake: `notify` leaves it with a thread of its own, which sends what it can, whatever Redis does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from app.jobs.queue import KINDS

if TYPE_CHECKING:
    from celery import Celery

log = structlog.get_logger(__name__)

WAKE_TASK = "ltp.wake"
"""The one kind of message: the name of the Celery task that wakes a worker."""
QUEUES = {f"{kind}s": kind for kind in KINDS}
"""A queue for each kind of job, so that machines can be dedicated."""
WAITING = 1000
"""Messages that may wait to be sent; beyond it they are dropped."""
SOCKET_S = 5
"""Longest wait for Redis to answer. It must exceed the second that a listening worker lets Redis keep silent."""
PAUSE_S = 2.0
"""After Redis did not answer, the messages of so long are dropped before it is asked again."""
STOPPING_S = 1.0
"""How long an API that stops goes on sending."""


def application(url: str) -> Celery:
    """Return the Celery application of both ends: JSON only, no results, and short waits for a silent Redis.

    The queues hang on the default exchange, whose messages go straight into the list of the queue's name: a declared
    exchange keeps its bindings in Redis, and FLUSHALL would unbind it for as long as the publisher lives.
    """
    from celery import Celery
    from kombu.entity import Exchange, Queue

    default = Exchange("")  # type: ignore[no-untyped-call]
    queues = [Queue(name, default, routing_key=name) for name in QUEUES]  # type: ignore[no-untyped-call]
    celery = Celery("ltp", broker=url, set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_queues=queues,
        task_default_queue=next(iter(QUEUES)),
        task_create_missing_queues=False,
        broker_connection_timeout=SOCKET_S,
        broker_transport_options={
            "socket_timeout": SOCKET_S,
            "socket_connect_timeout": SOCKET_S,
            "socket_keepalive": True,
            "health_check_interval": 2 * SOCKET_S,
            "max_retries": 1,  # of a connection; the callers decide when to try again
            "priority_steps": [0],
        },
    )
    return celery


class JobNotifier:
    """Tells workers of committed jobs: through the broker at `url`, and by `wake_runner`, for one on this machine."""

    def __init__(self, url: str | None, *, wake_runner: Callable[[], None] | None = None) -> None:
        self._url, self._wake_runner = url, wake_runner
        self._messages: queue.Queue[tuple[str, str] | None] = queue.Queue(WAITING)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-notifier", daemon=True)

    def start(self) -> None:
        """Begin to send, if there is a broker."""
        if self._url is not None:
            self._thread.start()

    def stop(self) -> None:
        """Send what is left if that goes quickly."""
        self._stopping.set()
        if self._thread.is_alive():
            self._enqueue(None)
            self._thread.join(timeout=STOPPING_S)

    def notify(self, job_id: str, *, kind: str) -> None:
        """Have a worker told of a job that is committed. Returns at once and raises nothing."""
        if self._wake_runner is not None:
            self._wake_runner()
        if self._url is not None:
            self._enqueue((job_id, f"{kind}s"))

    def _enqueue(self, message: tuple[str, str] | None) -> None:
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            log.debug("a message about a job is dropped: too many are waiting")

    def _run(self) -> None:
        celery = application(str(self._url))
        answers = True
        while (message := self._messages.get()) is not None:
            job_id, name = message
            try:
                celery.send_task(WAKE_TASK, args=[job_id], queue=name, retry=False)
            except Exception as error:  # noqa: BLE001  whatever ails Redis or its client, the API works on
                if answers:
                    log.warning("Redis does not answer; workers find their jobs by polling", error=error)
                answers = False
                self._drop()
            else:
                if not answers:
                    log.info("Redis answers again")
                answers = True

    def _drop(self) -> None:
        """Drop the messages of the next moments: by then their jobs have been found by polling."""
        self._stopping.wait(PAUSE_S)
        while not self._messages.empty() and not self._stopping.is_set():
            self._messages.get_nowait()
