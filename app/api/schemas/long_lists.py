"""Lists of many elements in a request: bounded first, then validated one element after the other.

The validation library would keep every fault of every element, and a tree of its own of the whole list, at hundreds of
times what was sent. Here a list that is too long is refused unseen, and one with faults once there are enough to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler
from pydantic_core import InitErrorDetails

from app.http.validation_errors import MOST

LIFTED = "lifted"
"""Key of the validation context under which a request's validator finds the lists that were taken out of it."""
LIMITS = "limits"
"""Key of the validation context with the service's own bounds, by the name of their setting."""
OTHER_VALUES = 10_000
"""Values of a request besides its long lists."""


class LongList(NamedTuple):
    """Where a request has such a list (`corpus.texts`), and how much it may hold."""

    path: str
    most: int
    """Elements, where no setting says it."""
    values: int
    """JSON values in the largest element, keys counted."""
    setting: str | None = None
    """Name of the setting with the most elements."""


def most_values(lists: Sequence[LongList], limits: Mapping[str, int]) -> int:
    """Return how many values a request with these lists may hold at all."""
    return OTHER_VALUES + sum(limits.get(each.setting or "", each.most) * each.values for each in lists)


def lift(tree: object, lists: Sequence[LongList]) -> tuple[object, dict[str, list[Any]]]:
    """Take the long lists out of a parsed request; returns what is left, with a mark in each place, and the lists.

    A mark begins with U+0000, which `strict_json` lets nobody send.
    """
    lifted: dict[str, list[Any]] = {}
    for each in lists:
        tree = _without(tree, each.path.split("."), f"\0{each.path}", lifted)
    return tree, lifted


def _without(node: object, path: Sequence[str], mark: str, lifted: dict[str, list[Any]]) -> object:
    if not path and isinstance(node, list):
        lifted[mark] = node
        return mark
    if path and isinstance(node, dict) and path[0] in node:
        return {**node, path[0]: _without(node[path[0]], path[1:], mark, lifted)}
    return node


class ElementWise:
    """Validates a list field whose elements are of one type; a `WrapValidator`'s function.

    Elements are validated as the Python values that strict JSON makes. Their type must take a `dict` for an object.
    """

    def __init__(self, element: Any, bounds: LongList, *, least: int = 1, instead: str = "") -> None:
        self.bounds, self.least, self.instead = bounds, least, instead
        self._element: TypeAdapter[Any] = TypeAdapter(element)

    def __call__(self, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """Return the validated elements."""
        context = info.context or {}
        items = context.get(LIFTED, {}).get(value) if isinstance(value, str) else value
        if not isinstance(items, list) or len(items) < self.least:
            return handler(value if items is None else items)
        most = context.get(LIMITS, {}).get(self.bounds.setting, self.bounds.most)
        if len(items) > most:
            raise ValueError(f"{len(items):,} are too many; at most {most:,} are read here{self.instead}")
        kept: list[Any] = []
        faults: list[InitErrorDetails] = []
        for index, item in enumerate(items):
            try:
                kept.append(self._element.validate_python(item, context=context))
            except ValidationError as error:
                faults += _placed(error, index)
                if len(faults) >= MOST:
                    break
        if faults:
            raise ValidationError.from_exception_data("list", faults, hide_input=True)
        return kept


def _placed(error: ValidationError, index: int) -> list[InitErrorDetails]:
    """Return the first faults of one element as faults of the list."""
    return [
        InitErrorDetails(type=fault["type"], loc=(index, *fault["loc"]), input=None, ctx=fault.get("ctx", {}))
        for fault in islice(error.errors(include_url=False, include_input=False), MOST)
    ]
