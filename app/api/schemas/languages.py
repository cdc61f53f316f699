"""Languages with their adapter versions and aliases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.scalars import AN_ADAPTER_ID, Answer, Request


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


class LanguagePublic(Answer):
    """A language that has published adapters."""

    lang: Annotated[str, Field(examples=["sw"])]
    name: Annotated[str, Field(examples=["Swahili"])]
    versions: Annotated[list[int], Field(examples=[[3, 1]])]
    """Ready ones, newest first, a thousand at most; `lang@version` names one."""
    aliases: Annotated[dict[str, int], Field(examples=[{"production": 3}])]
    """Alias to version, a thousand at most."""
    starters: Annotated[list[int], Field(examples=[[]])] = Field(default=[])
    """Those of the versions that came with the program, for every language: under `mul` alone."""
    macrolanguage: Annotated[str | None, Field(examples=["sw"])]
    """The macrolanguage that it is or belongs to, by ISO 639-3: `qu` of `quy`; null if there is none."""
    related: Annotated[list[str], Field(examples=[["swh"]])]
    """Others of this language or macrolanguage with a ready adapter; none is taken for another unless asked for."""
