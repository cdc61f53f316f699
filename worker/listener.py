"""Receives the messages that wake the runner: a Celery worker in a thread, started again whenever it ends.

Nothing depends on it. The runner polls whether it listens or not, and stops without waiting for it.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from celery.worker import WorkController, state

from worker.celery import pool, worker_application

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
HEALTHY_S = 60.0
"""A worker that listened for so long is started again after the shortest pause."""


class Listener:
    """Calls `wake` with the id of each job it is told of, as long as the runner is `free`.

    A `WorkController` is Celery's worker without its program: it sets no signal handlers, which only the main thread
    may, no process title, and no logging. It keeps the loop that blocks, since the other one replaces locks of the
    whole process by dummies.
    """

    def __init__(
        self, url: str, *, name: str, queues: Sequence[str], wake: Callable[[str], None], free: Callable[[], bool]
    ) -> None:
        self._url, self._queues, self._wake, self._free = url, list(queues), wake, free
        self._name = f"{name}@{platform.node()}"  # two nodes of one name would take each other's control messages
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen, now or whenever Redis answers."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 0) -> bool:
        """Ask the thread to end; return whether it has within `timeout_s`. It may be waiting for Redis."""
        self._stopping.set()
        state.should_stop = 0  # Celery's flag for the process, an exit code; its worker looks at every turn
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001  the runner goes on without messages
                log.warning("listening for jobs failed; the runner polls", error=error)
            if time.monotonic() - began > HEALTHY_S:
                pause = FIRST_PAUSE_S
            if not self._stopping.wait(pause):
                log.info("listening for jobs again", paused_s=pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _listen(self) -> None:
        """Listen until told to stop, or until something happens that Celery does not try again."""
        state.reset_state()  # what an earlier worker held in hand would count as being executed
        state.should_stop = None
        if self._stopping.is_set():
            return
        celery = worker_application(self._url, self._wake)
        celery.set_default()  # Celery looks it up when it executes, in whatever thread
        WorkController(
            app=celery,
            hostname=self._name,
            queues=self._queues,
            pool=pool(self._free),
            concurrency=1,
            use_eventloop=False,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        ).start()
