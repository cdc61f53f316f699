"""Damaged pages: how SQLite and Postgres say so, and that this was met lately."""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy.engine import ExceptionContext

from app.errors import Damaged

DAMAGED_STATES = ("XX001", "XX002")
"""Postgres: data_corrupted, index_corrupted."""
REMEMBERED_S = 300
"""So long after the last damaged page was met the database counts as damaged; another query may not touch it."""


class DatabaseDamaged(Damaged):
    """A page of the database cannot be read as what it was."""

    def __init__(self) -> None:
        super().__init__(
            "the database is damaged: a page of it cannot be read. Look at the disk, and put a backup in its place: "
            "`ltp restore`, or Postgres' own tools"
        )


def is_damaged(error: BaseException | None) -> bool:
    """Tell whether `error`, or what caused it, says that stored pages are damaged."""
    if error is None:
        return False
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    if getattr(error, "sqlstate", None) in DAMAGED_STATES:
        return True
    return is_damaged(getattr(error, "orig", None) or error.__cause__)


class DamageSeen:
    """Whether this process has lately met a damaged page. Listens to the errors of an engine."""

    def __init__(self) -> None:
        self._seen = float("-inf")

    def note(self, context: ExceptionContext) -> None:
        """Take an error of the engine."""
        if is_damaged(context.original_exception):
            self._seen = time.monotonic()

    @property
    def lately(self) -> bool:
        """Whether it was within `REMEMBERED_S`."""
        return time.monotonic() - self._seen < REMEMBERED_S
