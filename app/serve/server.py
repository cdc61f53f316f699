"""The HTTP server of `ltp serve` and `ltp api`: uvicorn, left in good order.

At the first signal `/readyz` says 503, answers close their connections and event streams end, so that a load balancer
and clients go elsewhere; requests are still taken for `DRAIN_S`. Then nothing new is taken, and what was accepted has
`GRACE_S` to end; what cannot is answered 503. A further signal ends the present wait at once. The engine and the
database are closed last, when no request needs them any more.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from fastapi import FastAPI

from app.http.connection import Connection, ServerConfig
from app.main import create_app
from app.process import set_switch_interval
from app.settings import Settings
from app.storage.private import keep_private

log = structlog.get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LOOK_S = 0.05
"""How often a leaving server looks whether everything is answered."""
REFUSALS_S = 1.0
"""How long the refusals of what was cut off may take to leave."""


def serve_api(settings: Settings, *, wake_runner: Callable[[], None] | None = None) -> None:
    """Serve the API in this thread until a signal has come and everything accepted is answered.

    `wake_runner` wakes a runner on this machine, where no broker does.
    """
    set_switch_interval()
    keep_private(settings.spool)
    Server(create_app(settings, wake_runner=wake_runner), settings).run()


class Server(uvicorn.Server):
    """One listening server. `leave` is what a signal does."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(ServerConfig(app, settings))
        self._app, self._settings = app, settings
        self._leave_at: float | None = None  # when the listener closes
        self._cut_off_at: float | None = None  # when the wait for accepted requests ends

    def leave(self) -> None:
        """Begin to stop, or stop waiting for what is waited for. Safe to call from a signal handler."""
        moment = time.monotonic()
        if self._leave_at is None:
            self._app.state.predictor.drain()
            self._leave_at = moment + self._settings.drain_s
        elif self._cut_off_at is None:
            self._leave_at = moment
        else:
            self._cut_off_at = moment

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  a signal handler's signature
        """Take a signal."""
        self.leave()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals here while the server runs. They have done their work then, and are not raised again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen."""
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Tell whether it is time to close the listener; asked ten times a second."""
        told = await super().on_tick(counter)
        return told or (self._leave_at is not None and time.monotonic() >= self._leave_at)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  never given here
        """Take nothing new, finish what was accepted, and let the application end."""
        self._app.state.predictor.drain()
        self.should_exit = True  # ends event streams, should one not look itself
        await self._accept_waiting()
        for server in self.servers:
            server.close()
        self._cut_off_at = time.monotonic() + self._settings.grace_s
        log.info("leaving; no new connections", open=len(self._connections))
        while await self._busy() and time.monotonic() < self._cut_off_at:
            pass
        if await self._busy():
            await self._cut_off()
        await self.lifespan.shutdown()

    @property
    def _connections(self) -> list[Connection]:
        return [cast(Connection, connection) for connection in self.server_state.connections]

    async def _accept_waiting(self) -> None:
        """Accept the connections that wait already, for closing the listener resets them; no more may queue up now."""
        waiting = select.poll()
        for listener in (each for server in self.servers for each in server.sockets):
            with socket.socket(fileno=os.dup(listener.fileno())) as same:
                same.listen(0)
            waiting.register(listener.fileno(), select.POLLIN)
        last = time.monotonic() + REFUSALS_S
        while waiting.poll(0) and time.monotonic() < last:
            await asyncio.sleep(0)

    async def _busy(self) -> bool:
        """Close what is idle; tell whether anything is left, after a moment."""
        await asyncio.sleep(LOOK_S)
        for connection in self._connections:
            connection.shutdown()
        return bool(self.server_state.connections or self.server_state.tasks)

    async def _cut_off(self) -> None:
        """Refuse what could not be finished in time, and wait until that is said."""
        log.warning("not everything could be finished in time", requests=len(self.server_state.tasks))
        for connection in self._connections:
            connection.cut_off()
        for task in list(self.server_state.tasks):
            task.cancel()
        last = time.monotonic() + REFUSALS_S
        while await self._busy() and time.monotonic() < last:
            pass


def _unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task waited for. asyncio's own message shows the arguments of callbacks: what clients sent."""
    error = context.get("exception")
    log.error("unhandled in the event loop", what=None if error else context.get("message"), exc_info=error)
