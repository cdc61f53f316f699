"""Exceptions as the log may show them: what they are and where they came from, but nothing that was sent.

A message may quote a text (a value that is no number, a row that breaks a constraint, an unknown label). So only
those messages are written that speak of the machine: files, memory, sockets, the database's own state, our own code.
Python's `TracebackException` writes the causes and the members of a group as itself, messages and all, whatever a
subclass of it would show; so they are followed here.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from sqlalchemy import exc

WITHHELD = "[message withheld: it may quote what was sent]"
SPEAKING = (OSError, MemoryError, RuntimeError, TypeError, AttributeError, ImportError, NameError, exc.TimeoutError)
"""Their messages name files, types and attributes."""
LONGEST = 300


def describe(error: BaseException) -> str:
    """Name `error`, with its message if that quotes nothing sent."""
    return f"{type(error).__qualname__}: {_message(error)}"


def format_traceback(error: BaseException) -> str:
    """Write the traceback of `error` and of what caused it, as Python does, with messages as `describe` gives them."""
    return "\n".join(_written(error, seen=set()))


def _message(error: BaseException) -> str:
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return _first_line(error.orig)  # the rest may be the row at fault
    if isinstance(error, exc.DBAPIError):
        return _state(error.orig)
    return _first_line(error) if isinstance(error, SPEAKING) else WITHHELD


def _first_line(error: BaseException | None) -> str:
    lines = str(error).splitlines() or [""]
    return lines[0][:LONGEST]


def _state(error: BaseException | None) -> str:
    """Say what a driver reports apart from its message: the code of the fault, and the constraint that was broken."""
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    return " ".join(str(part) for part in (type(error).__qualname__, code, constraint) if part)


def _written(error: BaseException, *, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _written(cause, seen=seen)
        direct = "was the direct cause of" if error.__cause__ is not None else "was being handled during"
        yield f"\nThe above exception {direct} this one:\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield describe(error)
    if isinstance(error, BaseExceptionGroup):
        for number, inner in enumerate(error.exceptions, start=1):
            yield f"-- {number} of {len(error.exceptions)} in the group:"
            yield from _written(inner, seen=seen)
