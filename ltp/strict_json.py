"""JSON that a file says of itself: read strictly, bounded, and into the types that are expected. Imports no torch.

A file may come from anybody. So no depth that would exhaust the stack, no NaN, no half of a surrogate pair, no number
of thousands of digits, and nothing of another type than its reader knows; every refusal is a ValueError of one line.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Lt, MaxLen
from pydantic import FailFast, TypeAdapter, ValidationError
from pydantic_core import from_json

T = TypeVar("T")

LONGEST = 8 << 20
"""Characters of one field; the shapes of the largest XLM-R take a hundredth."""
MOST_TENSORS = 10_000
LARGEST = 2**48
"""Of a size or a count: a larger one fits into no file."""
Count = Annotated[int, Ge(0), Lt(LARGEST)]
Shape = Annotated[tuple[Count, ...], MaxLen(8)]

NAMES = TypeAdapter[list[str]](Annotated[list[str], MaxLen(MOST_TENSORS), FailFast()])
SHAPES = TypeAdapter[dict[str, tuple[int, ...]]](Annotated[dict[str, Shape], MaxLen(MOST_TENSORS)])
TEXTS = TypeAdapter[dict[str, str]](Annotated[dict[str, str], MaxLen(100)])
FACTS = TypeAdapter[dict[str, Any]](dict[str, Any])


def tree(raw: bytes) -> object:
    """Parse JSON of any form.

    Raises:
        ValueError: it is none, or nested deeper than two hundred levels.
    """
    parsed: object = from_json(raw, allow_inf_nan=False, cache_strings="none")
    return parsed


def read(text: str, kind: TypeAdapter[T]) -> T:
    """Parse JSON of one form.

    Raises:
        ValueError: it is none, or of another form; one line says where.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a field of {len(text):,} characters; at most {LONGEST:,} are read")
    try:
        return kind.validate_json(text, strict=True)
    except ValidationError as error:
        raise ValueError(_first(error)) from None


def _first(error: ValidationError) -> str:
    """The first fault, without the value, which may be of any length."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part)[:40] for part in fault["loc"])
    return f"{where}: {fault['msg']:.200}" if where else f"{fault['msg']:.200}"
