"""The errors that are foreseen, wherever they come from, as failures: none of them prints a traceback."""

from __future__ import annotations

import sys

import typer

from app.cli.failure import Failure

FORESEEN = (
    ("ltp.errors", "LTPError"),
    ("app.errors", "AppError"),
    ("pydantic", "ValidationError"),
    ("sqlalchemy.exc", "SQLAlchemyError"),
    ("sqlite3", "Error"),
    ("alembic.util.exc", "CommandError"),
)
"""Module and class of what is foreseen besides: what a module that is not loaded has, nobody raised."""


def expected() -> tuple[type[Exception], ...]:
    """The exceptions that are sentences for the user, of what is loaded: what is not has raised nothing."""
    loaded = ((sys.modules.get(module), name) for module, name in FORESEEN)
    return (Failure, OSError, UnicodeError, *(getattr(module, name) for module, name in loaded if module))


def explained(error: Exception) -> Failure:
    """Turn any of `expected()` into a Failure. Raises typer.BadParameter for a hyperparameter that is out of range."""
    if isinstance(error, Failure):
        return error
    from app.errors import AppError, snake_case
    from ltp.errors import InvalidConfig, LTPError

    code = snake_case(type(error).__name__)
    if isinstance(error, InvalidConfig):
        raise typer.BadParameter(str(error)) from error
    if isinstance(error, AppError | LTPError):
        return Failure(code, str(error))
    if isinstance(error, OSError):
        return Failure(code, f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    if isinstance(error, UnicodeError):
        return Failure("not_text", f"an argument, a setting or a file holds what is not UTF-8 text: {error}")
    from app.cli.environment_failure import of_database, of_settings

    return of_settings(error) or of_database(error)
