"""One module a numbered line of the report. Each has `NUMBER`, `TITLE` and `figures(options)`, which yields its rows.

What a module measures stands in it as functions that `bench.side.run` calls in a process of their own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from bench.figure import Figure


@dataclass(frozen=True)
class Options:
    """What all lines are told."""

    data: str | None = None
    """A folder with xnli/ and wikitext2/; None for the shipped texts."""
    before: str | None = None
    """A commit, or a folder with its tree, that a line holds this one against."""
    sft: str | None = None
    """A checkout of composable-sft, which no package index has; what is measured as its layout is held against it."""


@dataclass(frozen=True)
class Line:
    """A numbered line and how to measure it."""

    number: int
    title: str
    figures: Callable[[Options], Iterator[Figure]]


def lines() -> list[Line]:
    """All of them, by number."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [Line(m.NUMBER, m.TITLE, cast("Callable[[Options], Iterator[Figure]]", m.figures)) for m in modules]
    return sorted(found, key=lambda line: line.number)
