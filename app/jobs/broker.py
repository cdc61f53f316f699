"""The doorbell: when a job is committed, a message with its id spares an idle worker's wait for its next poll.

The database is the queue. A bell that is lost, late, or rung ten times changes nothing, so nothing here ever waits or
fails for its sake: `ring` leaves a note, and a thread of its own sends what it can, whatever Redis does.
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

RING = "ltp.ring"
"""The one kind of message, and what a worker calls the task that hears it."""
QUEUES = {f"{kind}s": kind for kind in KINDS}
"""A queue for each kind of job, so that machines can be dedicated."""
WAITING = 1000
"""Bells that may wait to be rung; beyond it they are dropped."""
SOCKET_S = 5
"""Longest wait for Redis to answer. It must exceed the second that a listening worker lets Redis keep silent."""
PAUSE_S = 2.0
"""After Redis did not answer, the bells of so long are dropped before it is asked again."""
LEAVING_S = 1.0
"""How long an API that leaves goes on ringing."""


def application(url: str) -> Celery:
    """Return the Celery application of both ends: JSON only, no results, and no patience with a silent Redis.

    The queues hang on the default exchange, whose messages go straight into the list of the queue's name: a declared
    exchange keeps its bindings in Redis, and FLUSHALL would unbind it for as long as the publisher lives.
    """
    from celery import Celery
    from kombu.entity import Exchange, Queue

    straight = Exchange("")  # type: ignore[no-untyped-call]
    queues = [Queue(name, straight, routing_key=name) for name in QUEUES]  # type: ignore[no-untyped-call]
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
            "max_retries": 1,  # of a connection; whoever needs one decides when to try again
            "priority_steps": [0],
        },
    )
    return celery


class Doorbell:
    """Rings for committed jobs: through the broker at `url`, and `beside`, which wakes a runner on this machine."""

    def __init__(self, url: str | None, *, beside: Callable[[], None] | None = None) -> None:
        self._url, self._beside = url, beside
        self._notes: queue.Queue[tuple[str, str] | None] = queue.Queue(WAITING)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)

    def start(self) -> None:
        """Begin to ring, if there is anything to ring with."""
        if self._url is not None:
            self._thread.start()

    def stop(self) -> None:
        """Ring what is left if that goes quickly."""
        self._leaving.set()
        if self._thread.is_alive():
            self._note(None)
            self._thread.join(timeout=LEAVING_S)

    def ring(self, job_id: str, *, kind: str) -> None:
        """Have a worker told of a job that is committed. Returns at once and raises nothing."""
        if self._beside is not None:
            self._beside()
        if self._url is not None:
            self._note((job_id, f"{kind}s"))

    def _note(self, note: tuple[str, str] | None) -> None:
        try:
            self._notes.put_nowait(note)
        except queue.Full:
            log.debug("a bell is not rung: too many are waiting")

    def _run(self) -> None:
        celery = application(str(self._url))
        answers = True
        while (note := self._notes.get()) is not None:
            job_id, name = note
            try:
                celery.send_task(RING, args=[job_id], queue=name, retry=False)
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
        """Let the bells of the next moments go unrung: by then their jobs have been found."""
        self._leaving.wait(PAUSE_S)
        while not self._notes.empty() and not self._leaving.is_set():
            self._notes.get_nowait()
