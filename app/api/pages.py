"""Pages of lists as they are answered: bounded in bytes, whatever the rows hold. The rest is on the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.api.schemas.scalars import Answer, Page
from app.storage import pagination

LARGEST_PAGE = 1024 * 1024
"""Bytes of JSON in one answer; the first item is always in it."""

Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=Answer)


def page_of(
    page: pagination.Page[Row], show: Callable[[Row], Shown], *, cursor: Callable[[Row], str] | None = None
) -> Page[Shown]:
    """Show the rows of a page, as many as fit; `cursor` is what names a row in a cursor, its id if absent."""
    items: list[Shown] = []
    size = 0
    for index, row in enumerate(page.items):
        shown = show(row)
        size += len(shown.model_dump_json())
        if items and size > LARGEST_PAGE:
            last = page.items[index - 1]
            return Page(items=items, next_cursor=last.id if cursor is None else cursor(last))  # type: ignore[attr-defined]
        items.append(shown)
    return Page(items=items, next_cursor=page.next_cursor)
