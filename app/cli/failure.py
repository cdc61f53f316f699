"""A failure of a command, as one sentence, and the exit codes."""

from __future__ import annotations

from typing import Any

FAILED = 1
"""Exit code of work that was tried and not done; 0 is done, and 2 (typer's own) is wrong usage."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""


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
