"""Languages with their adapter versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.api.schemas.scalars import AN_ADAPTER_ID, Answer, Moment, Request
from app.registry.languages import Answering
from ltp.comparison import beats_guessing, guessing
from ltp.config import LabelSpace


class AliasTarget(Request):
    """Where an alias shall point."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, examples=[3])]
    """A ready version of the language."""


class AliasPublic(Answer):
    """A movable name for one version of a language."""

    lang: Annotated[str, Field(examples=["sw"])]
    alias: Annotated[str, Field(examples=["production"])]
    version: Annotated[int, Field(examples=[3])]
    adapter: Annotated[str, Field(examples=[AN_ADAPTER_ID])]


class AnsweringPublic(Answer):
    """The adapter that answers where only a language is named: what `production` points at, else its newest version."""

    adapter: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    version: Annotated[int, Field(examples=[3])]
    name: Annotated[str | None, Field(examples=["second try"])]
    label_space: LabelSpace
    since: Moment
    """When `production` was pointed at it; without that alias, when it was published."""
    accuracy: Annotated[float | None, Field(examples=[0.61])]
    """On its development pairs; null where it has no score, as those that were composed."""
    interval: Annotated[list[float] | None, Field(min_length=2, max_length=2, examples=[[0.51, 0.70]])]
    """95 % interval of that."""
    pairs: Annotated[int | None, Field(examples=[96])]
    """How many those are."""
    guessing: Annotated[float | None, Field(examples=[0.34])]
    """What always giving the commonest label would be right in."""
    beats_guessing: bool | None
    """Whether the interval lies above that."""

    @classmethod
    def of(cls, row: Answering) -> AnsweringPublic:
        """Describe it."""
        return cls(
            adapter=row.id,
            version=row.version,
            name=row.name,
            label_space=row.label_space,
            since=row.since,
            **(dict.fromkeys(SCORE) if row.dev is None else _score(row.dev)),
        )


SCORE = ("accuracy", "interval", "pairs", "guessing", "beats_guessing")


def _score(dev: Mapping[str, Any]) -> dict[str, Any]:
    pairs = sum(sum(gold) for gold in dev["confusion"])
    return dict(zip(SCORE, (dev["accuracy"], dev["interval"], pairs, guessing(dev), beats_guessing(dev)), strict=True))


class LanguagePublic(Answer):
    """A language that has published adapters."""

    lang: Annotated[str, Field(examples=["sw"])]
    name: Annotated[str, Field(examples=["Swahili"])]
    versions: Annotated[list[int], Field(examples=[[3, 1]])]
    """Ready ones, newest first, a thousand at most; `lang@version` names one."""
    aliases: Annotated[dict[str, int], Field(examples=[{"production": 3}])]
    """Alias to version, a thousand at most."""
    answering: AnsweringPublic | None
    """What answers for the language now."""
    starters: Annotated[list[int], Field(examples=[[]])] = Field(default=[])
    """Those of the versions that came with the program, for every language: under `mul` alone."""
    macrolanguage: Annotated[str | None, Field(examples=["sw"])]
    """The macrolanguage that it is or belongs to, by ISO 639-3: `qu` of `quy`; null if there is none."""
    related: Annotated[list[str], Field(examples=[["swh"]])]
    """Others of this language or macrolanguage with a ready adapter; none is taken for another unless asked for."""
