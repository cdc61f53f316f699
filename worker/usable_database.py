"""Waiting for a database that can be worked with: migrated, of the right kind, there, and taking writes."""

from __future__ import annotations

import threading

import structlog

from app.storage.circuit_breaker import UNREACHABLE
from app.storage.database import Database
from app.storage.health import SOUND, Condition, examine
from app.telemetry.tracebacks import describe

log = structlog.get_logger(__name__)


def wait_until_usable(db: Database, stopping: threading.Event, *, every_s: float) -> None:
    """Return once the database is usable, or `stopping` is set. What is wrong is said once, not at every look."""
    said = SOUND
    while not stopping.is_set():
        found = _look(db)
        if found != said:
            log.warning(found.sentence or "nothing is wrong with the database any more")
        if found.usable and found.writable:
            return
        said = found
        stopping.wait(every_s)


def _look(db: Database) -> Condition:
    try:
        return examine(db)
    except UNREACHABLE as error:
        return Condition(f"the database does not answer; {describe(error)}", usable=False)
