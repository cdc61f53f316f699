"""Settings that cannot be, and databases that cannot be used, as sentences. Neither a URL nor a statement is quoted."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.cli.failure import Failure
from app.storage.circuit_breaker import UNREACHABLE

URL_FORMS = "Write it as postgresql+psycopg://USER:PASSWORD@HOST/NAME, or sqlite:////absolute/path/to/file."
SEE_URL = "LTP_DATABASE_URL names it; `ltp settings` shows its value, without the password."


def of_settings(error: Exception) -> Failure | None:
    """Every setting that cannot be, by its name; None if `error` is about something else."""
    if not isinstance(error, ValidationError):
        return None
    faults = "; ".join(_of_setting(fault) for fault in error.errors())
    return Failure("invalid_settings", faults, hint="See every setting and its source: ltp settings")


def _of_setting(fault: Any) -> str:
    words = str(fault["msg"]).removeprefix("Value error, ")
    return ": ".join([*(str(name).upper() for name in fault["loc"]), words])


def of_database(error: Exception) -> Failure:
    """Why a database cannot be used, for an error of SQLAlchemy, SQLite or Alembic."""
    if isinstance(error, ArgumentError):
        return Failure("invalid_settings", f"DATABASE_URL: {error}", hint=URL_FORMS)
    if type(error).__module__.startswith("alembic"):
        detail = f"this version of LTP does not know the database's schema: {error}"
        return Failure("unknown_schema", detail, hint="A newer version made it; use that one.")
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    reason = " ".join(said.split()) or type(error).__name__
    if isinstance(error, UNREACHABLE):
        return Failure("database_unavailable", f"the database cannot be used: {reason}", hint=SEE_URL)
    return Failure("database_error", f"the database cannot be used as it is: {reason}", hint=SEE_URL)
