"""Failures of a command, as one sentence and an exit code; no error that is expected prints a traceback."""

from __future__ import annotations

from typing import Any

import typer

FAILED = 1
"""Exit code of work that was tried and not done; 0 is done, and 2 (typer's own) is wrong usage."""


class Failure(Exception):
    """The command could not do what was asked; `hint` says what to try next, `passing` that it may work in a moment."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str | None = None,
        fields: list[dict[str, Any]] | None = None,
        request_id: str | None = None,
        passing: bool = False,
    ) -> None:
        super().__init__(detail)
        self.passing = passing
        self.code, self.detail, self.hint, self.fields, self.request_id = code, detail, hint, fields or [], request_id

    def as_dict(self) -> dict[str, Any]:
        """The failure in the shape of an API error."""
        body: dict[str, Any] = {"error": self.code, "detail": self.detail}
        if self.fields:
            body["fields"] = self.fields
        if self.request_id:
            body["request_id"] = self.request_id
        return body


def expected() -> tuple[type[Exception], ...]:
    """The exceptions that are sentences for the user; called only once one was raised, so a quick start stays quick."""
    from pydantic import ValidationError

    from app.errors import AppError
    from ltp.errors import LTPError

    return (Failure, LTPError, AppError, ValidationError, OSError)


def explained(error: Exception) -> Failure:
    """Turn any of `expected()` into a Failure. Raises typer.BadParameter for a hyperparameter that is out of range."""
    from pydantic import ValidationError

    from app.errors import snake_case
    from ltp.errors import InvalidConfig

    if isinstance(error, Failure):
        return error
    if isinstance(error, InvalidConfig):
        raise typer.BadParameter(str(error)) from error
    if isinstance(error, ValidationError):
        faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        return Failure("invalid_settings", "; ".join(faults), hint="See every setting and its source: ltp settings")
    return Failure(snake_case(type(error).__name__), str(error))
