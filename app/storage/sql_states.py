"""What Postgres' error codes say about the database as it is now: in a sentence, and whether a new connection helps.

Drivers sort errors by whose fault they would be in a finished program: a server that has become read-only is an
"internal error" to them, a table that is not there yet a "programming error". Here both mean "not now". `as_not_now`
makes `OperationalError`s of them all, which requests answer with 503 and workers try again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from app.errors import AppError


@dataclass(frozen=True)
class NotNow:
    """Why something is not possible now. `renew`: all connections are opened anew, as that may lead elsewhere."""

    sentence: str
    renew: bool = False


READ_ONLY = NotNow("the database is read-only for now; what only reads goes on, try the rest again soon", renew=True)
NO_TABLES = NotNow("the database lacks tables or columns that this program needs; run `ltp migrate`")
NO_RIGHT = NotNow("the database's role may not do this; grant it the rights on every table that `ltp migrate` has")
STATEMENT_GONE = NotNow("the database lost what was prepared on a connection; try again in a moment", renew=True)
GAVE_UP = NotNow("the database ended what took too long; try again in a moment")
FULL_UP = NotNow("the database has no connection or memory free; try again in a moment")
BETWEEN_OTHERS = NotNow("others changed the same things at the same time; try again in a moment")

STATES = {
    "25006": READ_ONLY,  # read_only_sql_transaction: a switchover has left this connection with the old server
    "25P03": GAVE_UP,  # idle_in_transaction_session_timeout
    "25P04": GAVE_UP,  # transaction_timeout
    "57014": GAVE_UP,  # query_canceled
    "55P03": GAVE_UP,  # lock_not_available
    "26000": STATEMENT_GONE,  # invalid_sql_statement_name
    "42P05": STATEMENT_GONE,  # duplicate_prepared_statement
    "42P01": NO_TABLES,  # undefined_table
    "42703": NO_TABLES,  # undefined_column
    "3F000": NO_TABLES,  # invalid_schema_name
    "42501": NO_RIGHT,  # insufficient_privilege
    "53200": FULL_UP,  # out_of_memory
    "53300": FULL_UP,  # too_many_connections
    "40001": BETWEEN_OTHERS,  # serialization_failure
    "40P01": BETWEEN_OTHERS,  # deadlock_detected
}
TOO_LARGE = "54"
"""Class of what Postgres can never do, a row too large for an index say. Drivers count it as operational."""
STALE_PLAN = ("0A000", "RevalidateCachedQuery")
"""A prepared statement whose columns have changed since: the code of what is not supported, and its source."""


def not_now(error: BaseException | None) -> NotNow | None:
    """Return what the driver's error says about the database's present state; None for all other errors."""
    state = str(getattr(error, "sqlstate", None) or "")
    if (state, getattr(getattr(error, "diag", None), "source_function", None)) == STALE_PLAN:
        return STATEMENT_GONE
    return STATES.get(state)


def explain(error: BaseException) -> str | None:
    """Say why the database could not do something, if its error has a sentence of its own."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, AppError):
        return str(cause)
    found = not_now(cause)
    return None if found is None else found.sentence


def as_not_now(context: ExceptionContext) -> Exception | None:
    """Sort an error anew before it is raised, and have connections opened anew where that helps."""
    error, state = context.sqlalchemy_exception, not_now(context.original_exception)
    if state is not None and state.renew:
        context.is_disconnect = True
    if not isinstance(error, DBAPIError):
        return None
    if str(getattr(error.orig, "sqlstate", None) or "").startswith(TOO_LARGE):
        return _as(DataError, error)
    return None if state is None or isinstance(error, OperationalError) else _as(OperationalError, error)


def _as(kind: type[DBAPIError], error: DBAPIError) -> DBAPIError:
    invalidated = error.connection_invalidated
    return kind(error.statement, error.params, error.orig, hide_parameters=True, connection_invalidated=invalidated)  # type: ignore[arg-type]
