"""A command whose options are the fields of a frozen dataclass, since Typer reads them from a signature only.

A field is declared as a parameter would be, with `Annotated` and its default. A field whose type is a dataclass too
stands for that one's options.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_type_hints

Options = TypeVar("Options")


def options_from(kind: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Give a function of one `kind` the parameters that Typer makes options of."""

    def registered(body: Callable[[Options], None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            body(_made(kind, given))

        run.__name__, run.__doc__ = body.__name__, body.__doc__
        run.__signature__ = inspect.Signature(list(_parameters(kind)))  # type: ignore[attr-defined]
        return run

    return registered


def _parameters(kind: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _parameters(hint)  # type: ignore[arg-type]
        else:
            default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _made(kind: type[Options], given: dict[str, Any]) -> Options:
    """The dataclass out of the values by name."""
    hints = get_type_hints(kind)
    values = {
        field.name: _made(hints[field.name], given)
        if dataclasses.is_dataclass(hints[field.name])
        else given[field.name]
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
    }
    return kind(**values)
