"""Experiments as TOML: those that are shipped, by name, and the user's own, by path."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from importlib.resources import files
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ltp.errors import InvalidExperiment
from ltp.reproduce.plan.bounds import Bounds
from ltp.reproduce.plan.experiment import Experiment, Setting
from ltp.reproduce.plan.variant import Variant

SUFFIX = ".toml"
TRANSFER = "transfer"
"""The experiment that is not the paper's: what a starter makes of a few examples (`ltp.reproduce.transfer`)."""
_UNIONS = (UnionType, Union)
_SHIPPED = files("ltp.reproduce") / "experiments"

Table = Mapping[str, Any]


def shipped() -> list[str]:
    """Names of the paper's experiments, which come with the program."""
    names = sorted(entry.name.removesuffix(SUFFIX) for entry in _SHIPPED.iterdir() if entry.name.endswith(SUFFIX))
    return [name for name in names if name != TRANSFER]


def load(name: str) -> tuple[Experiment, Bounds]:
    """Read an experiment by its name or, ending in `.toml`, its path; with the bounds of its quick form.

    Raises:
        InvalidExperiment: there is none, it is not TOML, or a value in it cannot be; naming it.
    """
    table = read_table(name)
    try:
        return parse(table)
    except InvalidExperiment as error:
        raise InvalidExperiment(f"{name}: {error}") from error


def read_table(name: str) -> Table:
    """What the file of an experiment holds, unchecked. Raises InvalidExperiment: there is none, or it is not TOML."""
    if name.endswith(SUFFIX):
        path = Path(name)
        if not path.is_file():
            raise InvalidExperiment(f"there is no file {name}")
        content = path.read_bytes()
    elif name in (known := [*shipped(), TRANSFER]):
        content = (_SHIPPED / f"{name}{SUFFIX}").read_bytes()
    else:
        raise InvalidExperiment(f"there is no experiment {name!r}; there is {', '.join(known)}, or a file of yours")
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidExperiment(f"{name} is not TOML: {error}") from error


def parse(table: Table) -> tuple[Experiment, Bounds]:
    """Make an experiment and its quick bounds of a parsed file. Raises InvalidExperiment."""
    own = dict(table)
    quick = Bounds(**values_of(Bounds, table_of(own.pop("quick", {}), "quick"), "quick"))
    settings = own.pop("settings", [])
    if not isinstance(settings, list):
        raise InvalidExperiment("settings is no list; write each under [[settings]]")
    made = [Setting(**values_of(Setting, table_of(each, "settings"), "settings")) for each in settings]
    return Experiment(**values_of(Experiment, own, "the experiment"), settings=tuple(made)), quick


def table_of(value: object, name: str) -> Table:
    """What stands under a heading. Raises InvalidExperiment: it is no table."""
    if not isinstance(value, dict):
        raise InvalidExperiment(f"{name} is no table")
    return value


def values_of(kind: type[Any], table: Table, where: str, *, apart: Collection[str] = ("settings",)) -> dict[str, Any]:
    """The fields of a dataclass out of a table, each of the type it must have, without those `apart`.

    Raises:
        InvalidExperiment: naming what is unknown, missing, or of another type.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind) if field.name not in apart}
    if unknown := sorted(set(table) - set(known)):
        raise InvalidExperiment(f"{where}: there is no {unknown[0]!r}; there is {', '.join(known)}")
    required = [name for name, field in known.items() if field.default is MISSING]
    if missing := [name for name in required if name not in table]:
        raise InvalidExperiment(f"{where}: {missing[0]!r} is missing")
    return {name: _value(value, hints[name], f"{where}: {name}") for name, value in table.items()}


def _value(value: object, hint: Any, where: str) -> Any:
    """Check one value by its field's type: text, number, or a list of texts, numbers or methods."""
    kind = next(part for part in (get_args(hint) if get_origin(hint) in _UNIONS else (hint,)) if part is not NoneType)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise InvalidExperiment(f"{where} is {value!r}; it must be a list")
        return tuple(_value(each, get_args(kind)[0], where) for each in value)
    if kind is Variant:
        return Variant.parse(_of(value, str, where))
    if kind is bool:
        if not isinstance(value, bool):
            raise InvalidExperiment(f"{where} is {value!r}; it must be true or false")
        return value
    if kind is float:
        return float(_of(value, (int, float), where))
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    return _of(value, kind if kind is int else str, where)


def _of(value: Any, kind: type | tuple[type, ...], where: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        raise InvalidExperiment(f"{where} is {value!r}; it must be {names}")
    return value
