"""The thread of a runner that sends what webhooks are owed: apart from the sweep, which must not wait for receivers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import DBAPIError

from app.jobs import webhook_deliveries
from app.jobs.webhook_deliveries import WAITS_S, Message
from app.settings import Settings
from app.storage.database import Database
from worker.webhook_post import Outcome, post

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Messages that are sent beside each other."""


class WebhookSender:
    """Sends what is due every `sweep_s`, and goes on at once while there is more. Idle where webhooks are off."""

    def __init__(self, settings: Settings, db: Database, *, waits_s: Sequence[float] = WAITS_S) -> None:
        self._settings, self._db, self._waits_s = settings, db, waits_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the messages that are being sent; those that this cuts off are sent again by whoever comes next."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def send_due(self) -> int:
        """Send what is due, at most `AT_ONCE`, and return how many that was."""
        if not self._settings.webhook_hosts:
            return 0
        with self._db.write() as session:
            messages = webhook_deliveries.take(session, most=AT_ONCE, waits_s=self._waits_s)
        if not messages:
            return 0
        outcomes = asyncio.run(self._post_all(messages))
        with self._db.write() as session:
            for message, outcome in zip(messages, outcomes, strict=True):
                webhook_deliveries.settle(
                    session,
                    message,
                    response_status=outcome.response_status,
                    error=outcome.error,
                    waits_s=self._waits_s,
                )
        for message, outcome in zip(messages, outcomes, strict=True):
            if outcome.error is not None:
                log.warning("webhook not delivered", delivery=message.id, attempt=message.attempt, why=outcome.error)
        return len(messages)

    async def _post_all(self, messages: Sequence[Message]) -> list[Outcome]:
        return await asyncio.gather(*(post(message, self._settings) for message in messages))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self.send_due()
            except (DBAPIError, OSError) as error:
                log.warning("webhooks could not be sent; it is tried again", error=error)
                sent = 0
            if not sent:
                self._stopping.wait(self._settings.sweep_s)
