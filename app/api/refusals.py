"""Refusals of one part of a request: what the method finds wrong with a text, in the API's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.api.field_names import in_fields
from app.errors import FieldError, InvalidRequest
from ltp.errors import CorpusError, ExamplesError, LTPError, TextFileError, TooFewExamples, UnknownText


@contextmanager
def refusing(part: str) -> Iterator[None]:
    """Refuse what the block finds wrong with a text as a fault of `part`."""
    try:
        yield
    except (CorpusError, ExamplesError, TooFewExamples, UnknownText) as error:
        raise refusal(part, in_fields(str(error)), error) from error


def refusal(part: str, message: str, fault: LTPError | None = None) -> InvalidRequest:
    """Return the refusal of one part of a request, with what the method tells programs of the fault."""
    told: dict[str, Any] = {}
    match fault:
        case TextFileError(fault=reason, values=values, line=line):
            told = {"reason": reason, "values": values, "line": line}
        case TooFewExamples():
            told = {"reason": "too_few_examples"}
        case UnknownText(characters=characters):
            told = {"reason": "unknown_script", "values": characters}
    return InvalidRequest(f"{part}: {message}", fields=[FieldError(part, message, **told)])
