"""The types fields are made of, with their limits and examples, and the roots of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationInfo

from app.api.schemas.long_lists import LongList
from app.errors import InvalidLanguage
from app.http.validation_errors import UnknownLanguageError
from app.registry import language_tags
from ltp.config import AdapterConfig, TicketConfig

T = TypeVar("T")

LONGEST_TEXT = 20_000
MOST_CHARACTERS = "most_characters"
"""Key of the validation context under which a request's validator finds the service's own limit."""
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
ALIAS = r"^[a-z][a-z0-9_-]*$"
REFERENCE = r"^[A-Za-z0-9-]{2,36}(@([0-9]{1,9}|[a-z][a-z0-9_-]{0,63}))?$"
VERSION_REFERENCE = r"^[A-Za-z0-9-]{2,36}(@[0-9]{1,9})?$"
A_TICKET_ID = "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"
AN_ADAPTER_ID = "0199f3b0-15aa-7b0c-8f43-5a1f0c9d7e22"
A_JOB_ID = "0199f3b0-15a9-7c6e-b1d2-0b7f4d1c9a33"


class Request(BaseModel):
    """Root of request bodies: nothing unknown, nothing coerced, finite numbers."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, frozen=True, use_attribute_docstrings=True
    )

    LONG_LISTS: ClassVar[tuple[LongList, ...]] = ()


class Answer(BaseModel):
    """Root of response bodies. Every documented field is always present; absent values are null."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class Page(Answer, Generic[T]):
    """One page of a list, newest first."""

    # said in fields: docstrings would be looked for again in each Page[...], where there are none, which takes long
    model_config = ConfigDict(use_attribute_docstrings=False)

    items: Annotated[list[T], Field(description="At most `limit` of them.")]
    next_cursor: Annotated[
        str | None, Field(description="Send it as `cursor` to get the next page; null on the last one.")
    ]


class PageQuery(BaseModel):
    """The query of every list. A parameter that is not known here is refused, so that a typing error shows."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    """Most items on the page."""
    cursor: Annotated[str | None, Field(max_length=200, pattern=r"^[A-Za-z0-9_=-]+$")] = None
    """`next_cursor` of the page before."""


def _language(tag: str) -> str:
    try:
        return language_tags.normalise(tag)
    except InvalidLanguage as error:
        raise UnknownLanguageError(str(error), language_tags.tag_of_name(tag)) from None


def _not_too_long(text: str, info: ValidationInfo) -> str:
    """Refuse a text longer than MAX_CHARACTERS, which the validation context carries."""
    most = (info.context or {}).get(MOST_CHARACTERS, LONGEST_TEXT)
    if len(text) > most:
        raise ValueError(f"has {len(text):,} characters; at most {most:,} are read here")
    return text


def hyperparameter(config: type[TicketConfig | AdapterConfig], name: str) -> Any:
    """Return the field of a hyperparameter: default, bounds and description are those of the dataclass."""
    schema = TypeAdapter(config).json_schema()["properties"][name]
    bounds = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
    limits = {ours: schema[theirs] for theirs, ours in bounds.items() if theirs in schema}
    return Field(default=schema["default"], description=schema["description"], **limits)


def without_default(schema: dict[str, Any]) -> None:
    """Take the default out of a field's schema: leaving it out means something else than null."""
    schema.pop("default", None)


Text = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S", examples=["Mbwa analala chini ya meza."]),
    AfterValidator(_not_too_long),
]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"\S", examples=["first try"])]
Language = Annotated[str, Field(min_length=2, max_length=35, examples=["sw", "quy"]), AfterValidator(_language)]
AliasName = Annotated[str, Field(max_length=64, pattern=ALIAS, examples=["production"])]
Reference = Annotated[str, Field(pattern=REFERENCE, examples=["sw", "sw@3", "sw@production", "starter", AN_ADAPTER_ID])]
LanguageDeltaReference = Annotated[str, Field(pattern=VERSION_REFERENCE, examples=["quy", "quy@1", A_JOB_ID])]
"""A language delta's."""
Identifier = Annotated[str, Field(pattern=UUID, examples=[A_TICKET_ID])]
Moment = Annotated[
    datetime,
    PlainSerializer(lambda value: value.isoformat(timespec="milliseconds").replace("+00:00", "Z"), return_type=str),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-01T12:00:00.000Z"]),
]
