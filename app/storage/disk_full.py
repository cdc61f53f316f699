"""How "no room left" looks from a file, from SQLite and from Postgres."""

from __future__ import annotations

import errno
import sqlite3


def is_storage_full(error: BaseException) -> bool:
    """Tell whether `error`, or what caused it, says that there is no room left to write."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return code == sqlite3.SQLITE_FULL or code & 0xFF == sqlite3.SQLITE_IOERR
    if getattr(error, "sqlstate", None) == "53100":  # Postgres: disk_full
        return True
    cause = getattr(error, "orig", None) or error.__cause__
    return cause is not None and is_storage_full(cause)
