"""Faults of texts as refusals of the request that carries them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from app.errors import FieldError, InvalidRequest
from app.uploads import Part
from ltp.errors import CorpusError, ExamplesError, TooFewExamples


@contextmanager
def naming(part: str) -> Iterator[None]:
    """Refuse what the block finds wrong with a text as a fault of `part`."""
    try:
        yield
    except (CorpusError, ExamplesError, TooFewExamples) as error:
        raise fault(part, str(error)) from error


def fault(part: str, message: str) -> InvalidRequest:
    """Return the refusal of one part of a request."""
    return InvalidRequest(f"{part}: {message}", fields=[FieldError(part, message)])


def file_name(part: Part) -> str | None:
    """Return the last element of the name the file had at its sender's, if it had any."""
    name = PurePath((part.filename or "").replace("\\", "/").replace("\x00", "")).name
    return name[-255:] or None
