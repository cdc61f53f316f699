"""A transfer experiment out of its TOML: the one that is shipped, or the user's own."""

from __future__ import annotations

from typing import Any

from ltp.errors import InvalidExperiment
from ltp.reproduce.plan.catalogue import Table, table_of, values_of
from ltp.reproduce.transfer.experiment import Goal, Recipe, Step, Target, TransferBounds, TransferExperiment

PARTS: dict[str, type[Any]] = {"recipes": Recipe, "targets": Target, "steps": Step, "goals": Goal}
"""What stands under `[[...]]`."""


def is_transfer(table: Table) -> bool:
    """Whether a file describes a transfer experiment: it has recipes."""
    return "recipes" in table


def parse(table: Table) -> tuple[TransferExperiment, TransferBounds]:
    """Make an experiment and the bounds of its quick form. Raises InvalidExperiment."""
    own = dict(table)
    quick = TransferBounds(**values_of(TransferBounds, table_of(own.pop("quick", {}), "quick"), "quick"))
    parts: dict[str, Any] = {name: _listed(own.pop(name, []), name, kind) for name, kind in PARTS.items()}
    plain = values_of(TransferExperiment, own, "the experiment", apart=PARTS)
    return TransferExperiment(**plain, **parts), quick


def _listed(value: object, name: str, kind: type[Any]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InvalidExperiment(f"{name} is no list; write each under [[{name}]]")
    return tuple(kind(**values_of(kind, table_of(each, name), name)) for each in value)
