"""Arithmetic on tickets: an adapter as a weighted sum of others on the same ticket."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from app.api.schemas.scalars import AliasName, Language, LanguageDeltaReference, Name, Reference, Request

MOST_TERMS = 32
LARGEST_WEIGHT = 100


class Term(Request):
    """One adapter, or what an MLM run on a language's own text changed, and how much of it."""

    adapter: Reference | None = None
    """An adapter, by its reference."""
    language_delta: LanguageDeltaReference | None = None
    """Or a language delta, by `lang@version`, its id, or `lang` for the newest."""
    weight: Annotated[float, Field(ge=-LARGEST_WEIGHT, le=LARGEST_WEIGHT)] = 1.0
    """What its values, and its prompt, are multiplied with; below 0 they are subtracted."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.adapter is None) == (self.language_delta is None):
            raise ValueError("give either adapter or language_delta")
        return self


class CompositionRequest(Request):
    """Compose an adapter of others. All are on one ticket, with the same labels and words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lang": "sw",
                    "terms": [{"adapter": "starter", "weight": 0.5}, {"adapter": "sw@1", "weight": 0.5}],
                }
            ]
        }
    )

    lang: Language
    """The language that the result is for."""
    terms: Annotated[list[Term], Field(min_length=1, max_length=MOST_TERMS)]
    """What is added up; at least one is an adapter."""
    name: Name | None = None
    """For people."""
    alias: AliasName | None = None
    """Point this alias at it."""
