"""The one shape of every refusal, and how a route declares which it can give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.api.schemas.scalars import A_JOB_ID, Answer
from ltp.errors import FileFault

FaultReason = FileFault | Literal["blank", "out_of_range", "required", "too_long", "too_many", "unknown_language"]


class FieldFault(Answer):
    """One fault of a request."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    path: Annotated[str, Field(examples=["pairs.3.premise"])]
    """Where: the path of the field in the body, or the name of a parameter; empty for the body as a whole."""
    message: Annotated[str, Field(examples=["must not be blank"])]
    """What would be right."""
    reason: FaultReason | None = None
    """What is wrong, for programs that say it in words of their own; absent for what has no name here."""
    values: Annotated[list[str], Field(examples=[["contradise"]])] = Field(default=[])
    """What of the input it is about, a hundred at most: the spellings of `unknown_labels`, the files of an archive, the
    tag of the language that `unknown_language` may mean. Absent where there is nothing to list."""
    line: int | None = None
    """The line (or a table's row) of a file; absent where there is none."""


class Refusal(Answer):
    """Why a request was refused."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    error: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", examples=["adapter_not_found"])]
    """A code for programs."""
    detail: Annotated[str, Field(examples=["there is no adapter 'sw@9'"])]
    """A sentence for people, which says what to do."""
    fields: list[FieldFault] = Field(default=[])
    """The faults, when the request did not validate; absent otherwise."""
    request_id: Annotated[str, Field(examples=[A_JOB_ID])]
    """Also sent as `X-Request-ID`; quote it when you report a problem."""


WORDS = {
    401: "No valid key was sent.",
    403: "The host or the origin is foreign (without authentication), or the key lacks the scope.",
    404: "There is no such thing here.",
    409: "The present state does not allow it.",
    413: "The body is over the limit.",
    415: "The body is of another media type, or carries a Content-Encoding.",
    422: "The request does not validate; `fields` says where.",
    429: "The queue is full, or the key has used up what it may; try again after `Retry-After` seconds.",
    503: "Not now: the backbone is being loaded, or a dependency is down; try again after `Retry-After` seconds.",
}
EVERYWHERE = (401, 403, 429, 503)
"""Any request can meet these: the middleware, the limits of keys, the database."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the refusals a route can give; those of every route are added."""
    documented: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *EVERYWHERE}):
        documented[status] = {"model": Refusal, "description": WORDS[status]}
    return documented
