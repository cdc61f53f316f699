"""The health of the database: what is wrong with it, in one sentence, told in one place.

`examine` asks everything once; `DatabaseHealth` asks for `/readyz`, however many probes there are. What passes by
itself, a database that is read-only or away, leaves a service that was right once in its place: predictions go on.
What does not, a schema that is too old say, makes it unready until somebody has put it right; then it is ready by
itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import func, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError, OperationalError

from app.errors import AppError, DatabaseUnavailable
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.damage import DatabaseDamaged
from app.storage.database import Database
from app.storage.schema import newest, revision_of, revisions

log = structlog.get_logger(__name__)

FRESH_S = 1.0
"""How long a finding is believed: probes, of which there may be many, cost one look a second at most."""
PATIENCE_S = 1.0
"""A probe has a deadline of its own, and waits no longer for a database that is frozen."""
SOME_TABLE = "blob_chunks"
"""A table that every revision has, and no other program's database."""


@dataclass(frozen=True)
class Condition:
    """How the database is; without a sentence nothing is wrong."""

    sentence: str | None = None
    usable: bool = True
    """False: until somebody puts it right, what is stored cannot be relied on."""
    writable: bool = True


SOUND = Condition()
SILENT = Condition(str(DatabaseUnavailable()))


def examine(db: Database) -> Condition:
    """Return the first thing that is wrong. Raises what SQLAlchemy does when the database cannot be asked."""
    try:
        db.check_file()
        with db.engine.connect() as connection:
            found = next((found for check in CHECKS if (found := check(connection)) is not None), SOUND)
    except OperationalError as error:
        if isinstance(error.orig, AppError):  # refused by us as the connection was opened
            return Condition(str(error.orig), usable=False)
        raise
    except DatabaseError as error:  # a file that is damaged, or none of SQLite's
        return Condition(f"the database cannot be read: {error.orig}", usable=False)
    if db.damage.lately and found.usable:
        return Condition(str(DatabaseDamaged()), usable=False)
    if not found.writable:
        db.renew()  # after a switchover a new connection leads to the server that takes writes
    return found


def check_schema(connection: Connection) -> Condition | None:
    """Compare the schema with what this program needs; a newer one only has more."""
    theirs, ours = revision_of(connection), newest()
    if theirs == ours:
        return None
    if theirs is None:
        return Condition("the database has no tables yet; run `ltp migrate`", usable=False)
    if theirs in revisions():
        sentence = f"the database's schema is {theirs!r}, and this program needs {ours!r}; run `ltp migrate`"
        return Condition(sentence, usable=False)
    if not inspect(connection).has_table(SOME_TABLE):
        return Condition(f"the database is another program's: its schema is {theirs!r}", usable=False)
    sentence = f"the database's schema is {theirs!r}, and this program knows it up to {ours!r}; update the program"
    return Condition(sentence)


def check_writable(connection: Connection) -> Condition | None:
    """Tell whether rows can be written: by this server, and by this role or user."""
    if connection.dialect.name == "sqlite":
        file = connection.engine.url.database
        if file and Path(file).exists() and not os.access(file, os.W_OK):
            return Condition(f"the database {file} may not be written by this user", usable=False, writable=False)
        return None
    read_only, may = connection.execute(
        select(func.current_setting("transaction_read_only") == "on", func.has_table_privilege(SOME_TABLE, "INSERT"))
    ).one()
    if not may:
        role = "the database's role may not write; grant it the rights on every table that `ltp migrate` has"
        return Condition(role, usable=False, writable=False)
    return Condition("the database is read-only for now", writable=False) if read_only else None


CHECKS: tuple[Callable[[Connection], Condition | None], ...] = (check_schema, check_writable)
"""In this order; each returns what is wrong, or None."""


class DatabaseHealth:
    """The database's condition for the probes of one process. Belongs to the event loop."""

    def __init__(self, db: Database, circuit_breaker: CircuitBreaker) -> None:
        self._db, self._circuit_breaker = db, circuit_breaker
        self._known, self._known_at = SOUND, float("-inf")
        self._was_writable = False
        self._asking: asyncio.Task[Condition] | None = None

    async def condition(self) -> Condition:
        """Return how the database is; asks it at most every `FRESH_S`, once for all who want to know."""
        if time.monotonic() - self._known_at < FRESH_S:
            return self._known
        asking = self.start()
        try:
            return await asyncio.wait_for(asyncio.shield(asking), PATIENCE_S)
        except TimeoutError:
            return SILENT

    def start(self) -> asyncio.Task[Condition]:
        """Ask, unless it is being asked; what is wrong is logged even if no probe ever comes."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return self._asking

    async def _ask(self) -> Condition:
        try:
            found = await self._circuit_breaker.call(partial(examine, self._db))
        except DatabaseUnavailable as error:
            found = Condition(str(error))
        finally:
            self._asking = None
        if not found.writable and not self._was_writable:
            found = Condition(found.sentence, usable=False, writable=False)
        self._was_writable = self._was_writable or found == SOUND
        if found != self._known:
            log.warning(found.sentence or "nothing is wrong with the database any more")
        self._known, self._known_at = found, time.monotonic()
        return found
