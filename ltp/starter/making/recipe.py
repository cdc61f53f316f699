"""What a starter is made from and how: a TOML file, each stage's hyperparameters in the stage's own dataclass."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Ge, Gt, Lt, MinLen
from pydantic import TypeAdapter, ValidationError

from ltp.config import AdapterConfig, MLMConfig, TicketConfig
from ltp.errors import InvalidRecipe

SUFFIX = ".toml"
_SHIPPED = files("ltp.starter") / "recipes"
Count = Annotated[int, Ge(1)]
Names = Annotated[tuple[str, ...], MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files of labelled pairs, one a language: `{lang}` in the name of the file stands for it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    name: str
    file: Names
    """In the folder of data; of several names the first that is there."""
    languages: Names
    licence: str
    about: str = ""
    parallel: bool = False
    """Whether the files hold the same pairs in the same order."""
    languages_a_row: Count | None = None
    """Of a parallel source, in how many languages each pair is taken; null for all."""
    rows: Count | None = None
    """Pairs taken a language, at most; null for all."""
    translates: str | None = None
    """The source whose pairs these are translations of."""
    pivot: str | None = None
    """The language by whose premises a row is known, here and in what it translates."""
    first_id: int | None = None
    """What the column `id` says of the first pair of the translated source; null: known by the pivot's premises."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """Files that the finished starter is scored on, and nothing else."""

    __test__: ClassVar[bool] = False
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    name: str
    file: Names
    languages: Names


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All of it; the same recipe, files and backbone give the same bytes on the same kind of machine."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    name: str
    """What the starter's file is called."""
    about: str
    sources: Annotated[tuple[Source, ...], MinLen(1)]
    tests: tuple[Test, ...] = ()
    without_rows_of: tuple[str, ...] = ()
    """Sources that it must not have seen, nor any row that they translate."""
    begins_from: str | None = None
    """The recipe of the starter that training begins from, on whose ticket it goes on; null: the pretrained values."""
    dev_share: Annotated[float, Gt(0), Lt(1)] = 0.05
    """Share of whole premises that is held out: the epoch is chosen and the packed values are checked by it."""
    seed: int = 0
    """Of the rows that are taken, their languages and the premises held out."""
    mlm: MLMConfig = field(default_factory=MLMConfig)
    """The run on the training pairs' own texts whose drift gives the ticket, where there is none to go on with."""
    ticket: TicketConfig = field(default_factory=TicketConfig)
    training: AdapterConfig = field(default_factory=AdapterConfig)
    seeds: Count = 1

    def __post_init__(self) -> None:
        """Check what sources say of each other. Raises ValueError."""
        named = {source.name: source for source in self.sources}
        if len(named) < len(self.sources):
            raise ValueError("two sources have one name")
        for source in self.sources:
            original = named.get(source.translates or source.name)
            if original is None:
                raise ValueError(f"{source.name} translates {source.translates}, which is no source")
            if source.translates and (not original.pivot or (source.first_id is None and not source.pivot)):
                raise ValueError(
                    f"{source.name}: say by which language's premises its rows and the original's are known"
                )

    def limited(self, *, rows: int | None, epochs: int | None, sentences: int | None) -> Self:
        """The same recipe for less: to try it out."""
        less = replace(
            self,
            sources=tuple(replace(each, rows=min(rows, each.rows or rows)) for each in self.sources)
            if rows
            else self.sources,
            training=replace(self.training, epochs=epochs) if epochs else self.training,
        )
        return replace(less, mlm=replace(self.mlm, sample=sentences)) if sentences else less

    def without(self, names: Sequence[str]) -> Self:
        """The same recipe without some sources.

        Raises:
            InvalidRecipe: there is no source of a name, or none would be left.
        """
        known = [source.name for source in self.sources]
        if unknown := sorted(set(names) - set(known)):
            raise InvalidRecipe(f"the recipe has no source {unknown[0]!r}; there is {', '.join(known)}")
        kept = tuple(source for source in self.sources if source.name not in names)
        if not kept or any(source.translates in names for source in kept):
            raise InvalidRecipe(
                f"without {', '.join(names)} the recipe has nothing to train on, or a translation alone"
            )
        return replace(self, sources=kept)


_RECIPE = TypeAdapter(Recipe)


def shipped() -> list[str]:
    """Names of the recipes that come with the program."""
    return sorted(entry.name.removesuffix(SUFFIX) for entry in _SHIPPED.iterdir() if entry.name.endswith(SUFFIX))


def load(name: str) -> Recipe:
    """Read a recipe by its name or, ending in `.toml`, its path.

    Raises:
        InvalidRecipe: there is none, it is not TOML, or a value in it cannot be; naming it.
    """
    if name.endswith(SUFFIX):
        if not Path(name).is_file():
            raise InvalidRecipe(f"there is no file {name}")
        content = Path(name).read_bytes()
    elif name in shipped():
        content = (_SHIPPED / f"{name}{SUFFIX}").read_bytes()
    else:
        raise InvalidRecipe(f"there is no recipe {name!r}; there is {', '.join(shipped())}, or a file of yours")
    try:
        return _RECIPE.validate_python(tomllib.loads(content.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidRecipe(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise InvalidRecipe(f"{name}: {where}: {fault['msg']}" if where else f"{name}: {fault['msg']}") from error


def facts(recipe: Recipe) -> dict[str, Any]:
    """Everything that is not the default, as JSON has it."""
    plain: dict[str, Any] = _RECIPE.dump_python(recipe, mode="json", exclude_defaults=True)
    return plain


def same(recipe: Recipe, noted: object) -> bool:
    """Whether what was noted of a recipe, perhaps by a release that knew fewer options, is this one."""
    try:
        return _RECIPE.validate_python(noted) == recipe
    except ValidationError:
        return False
