"""Faults of single fields in words: what a validation library reports, as paths and messages a caller can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.errors import FieldError
from ltp.errors import InvalidConfig

MOST = 20
"""So many faults are listed; a file of ten thousand bad pairs needs no more."""
LONGEST = 200
"""A path carries keys the caller chose; it is cut here."""
LONGEST_MESSAGE = 500
"""A message may quote what was sent; it is cut here."""
MESSAGES = {
    "extra_forbidden": "there is no field of this name here",
    "unexpected_keyword_argument": "there is no field of this name here",
    "missing": "this field is required",
    "missing_keyword_only_argument": "this field is required",
    "finite_number": "must be a finite number",
}
REASONS = {
    "missing": "required",
    "too_long": "too_many",
    "string_too_long": "too_long",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "finite_number": "out_of_range",
}
"""What a fault is called for programs."""
BLANK = [("string_pattern_mismatch", {"pattern": r"\S"}), ("string_too_short", {"min_length": 1})]
"""Rules that a text breaks that says nothing."""
ABOUT_A_NEW_KEY = {"missing", "missing_keyword_only_argument"}
"""Faults whose last path element is no part of the input."""


class InvalidFieldError(ValueError):
    """Raised by a validator that looks at several fields, to say which one is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownLanguageError(ValueError):
    """Raised by a validator for what is no language's tag; `meant` is the tag of the language of that name."""

    def __init__(self, message: str, meant: str | None) -> None:
        super().__init__(message)
        self.meant = meant


def field_errors(errors: Iterable[Mapping[str, Any]], tree: object = None) -> list[FieldError]:
    """Turn pydantic's error details into `FieldError`s; `tree` is the parsed input they are about.

    Pydantic's locations also name the branches of unions; given the input, only what leads through it is kept.
    """
    faults: dict[tuple[str, str], FieldError] = {}
    for error in errors:
        path, message = _path(error, tree)[:LONGEST], _message(error)[:LONGEST_MESSAGE]
        faults[path, message] = FieldError(path, message, **_told(error))
        if len(faults) == MOST:
            break
    return list(faults.values())


def _told(error: Mapping[str, Any]) -> dict[str, Any]:
    """What a validator tells programs of a fault."""
    if isinstance(cause := error.get("ctx", {}).get("error"), UnknownLanguageError):
        return {"reason": "unknown_language", "values": () if cause.meant is None else (cause.meant,)}
    return {"reason": "blank" if _is_blank(error) else REASONS.get(error["type"])}


def _is_blank(error: Mapping[str, Any]) -> bool:
    return (error["type"], error.get("ctx")) in BLANK


def sentence(fields: Sequence[FieldError]) -> str:
    """Sum the faults up in one sentence, the first of them in full."""
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    where = f"{first.path}: " if first.path else ""
    return f"the request does not validate: {where}{first.message}{more}"


def _path(error: Mapping[str, Any], tree: object) -> str:
    if tree is None:
        return ".".join(map(str, error["loc"]))
    kept: list[str] = []
    node = tree
    location: tuple[str | int, ...] = error["loc"]
    for place, part in enumerate(location):
        last = place == len(location) - 1
        inside, node = _member(node, part)
        if inside or (last and error["type"] in ABOUT_A_NEW_KEY):
            kept.append(str(part))
    if isinstance(cause := error.get("ctx", {}).get("error"), InvalidConfig | InvalidFieldError):
        kept.append(cause.field)
    return ".".join(kept)


def _member(node: object, part: str | int) -> tuple[bool, object]:
    """Step from `node` to its member `part`; stay where there is none."""
    if isinstance(node, dict) and part in node:
        return True, node[part]
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return True, node[part]
    return False, node


def _message(error: Mapping[str, Any]) -> str:
    if _is_blank(error):
        return "must not be blank"
    message = MESSAGES.get(error["type"], str(error["msg"]))
    return message.removeprefix("Value error, ").removeprefix("Input ").replace("should ", "must ", 1)
