"""Options that several commands share, and hyperparameters as typed: checked here, defaulted by the service."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.failure import Failure

if TYPE_CHECKING:
    from ltp.config import AdapterConfig, MLMConfig, TicketConfig

    Config = type[MLMConfig | TicketConfig | AdapterConfig]

PANEL = "Hyperparameters (without one, the service's default)"
FILES_OF_PAIRS = "JSON lines or array, CSV, TSV, .xlsx, .ods, Parquet, Feather, XML; or gzipped"
OR_FOLDERS = f"{FILES_OF_PAIRS}; or a folder of `datasets`"
EXISTING = {"exists": True, "dir_okay": False, "readable": True, "show_default": False}

PARTS_OF = {"examples": "train", "files": "train", "dev": "dev", "test": "test"}
"""Which split of a folder of several is meant, by the name of the argument or option."""


def pairs_file(context: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """A file of pairs as it is; of a folder of a data set, the file that holds what is meant."""
    part = PARTS_OF.get(param.name or "")
    if isinstance(value, Path):
        return file_of_folder(context, value, part=part) if value.is_dir() else value
    if isinstance(value, list | tuple):
        return [pairs_file(context, param, each) for each in value]
    return value


def file_of_folder(context: typer.Context, folder: Path, *, part: str | None) -> Path:
    """See `ltp.text.files.folders`; what has to be joined lies in a temporary folder until the command ends."""
    from ltp.errors import ExamplesError
    from ltp.text.files.folders import file_of

    try:
        into = context.with_resource(tempfile.TemporaryDirectory(prefix="ltp-joined-"))
        return file_of(folder, Path(into), part=part)
    except ExamplesError as error:
        raise typer.BadParameter(str(error)) from error


PAIRS: dict[str, Any] = {"exists": True, "readable": True, "show_default": False, "callback": pairs_file}
"""A file of pairs, or a folder of a data set."""

Epochs = Annotated[int | None, typer.Option(help="Passes over the text or the examples.", rich_help_panel=PANEL)]
BatchSize = Annotated[int | None, typer.Option(help="Lines or examples a step.", rich_help_panel=PANEL)]
LearningRate = Annotated[float | None, typer.Option(help="AdamW's learning rate.", rich_help_panel=PANEL)]
MaxLength = Annotated[int | None, typer.Option(help="Longest input in tokens.", rich_help_panel=PANEL)]
TrainingPrecision = Annotated[Literal["fp32", "bf16"] | None, typer.Option(rich_help_panel=PANEL)]
Seed = Annotated[int | None, typer.Option(help="First seed.", rich_help_panel=PANEL)]
More = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other hyperparameter; repeatable.", rich_help_panel=PANEL),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait", help="Return as soon as the job is accepted, or refused: a busy service, too, is not waited for."
    ),
]


def hyperparameters(config: Config, more: list[str] | None, /, **given: Any) -> dict[str, Any]:
    """The hyperparameters that were typed, as the API wants them. Raises typer.BadParameter for one that cannot be."""
    from ltp.errors import InvalidConfig

    values = {name: value for name, value in given.items() if value is not None}
    known = {field.name for field in dataclasses.fields(config)}
    for assignment in more or []:
        name, equals, text = assignment.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f"{assignment!r} is not NAME=VALUE with a name out of: {', '.join(sorted(known))}")
        values[name] = _value(text)
    try:
        config(**values)
    except (InvalidConfig, TypeError) as error:
        raise typer.BadParameter(str(error)) from error
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def layers(text: str) -> str | list[int]:
    """`all`, `lower`, `middle`, `upper`, or layer numbers: `1,2,3`."""
    if not text[:1].isdigit():
        return text
    try:
        return [int(number) for number in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"layers is {text!r}; it must be all, lower, middle, upper or numbers: 1,2,3"
        ) from error


def without_missing(**fields: Any) -> dict[str, Any]:
    """A request body without the fields that were not given."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}


@contextlib.contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Put the file's name before what is wrong in it."""
    from ltp.errors import LTPError

    try:
        yield
    except LTPError as error:
        raise Failure("invalid_file", f"{path}: {error}") from error
