"""Lists, newest first: `{items, next_cursor}`. Ids sort by time of creation, so the cursor is the last item's id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import InvalidCursor

Row = TypeVar("Row")

DEFAULT_LIMIT = 50


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: Sequence[Row]
    next_cursor: str | None


def read_page(
    session: Session,
    rows: Select[Row],
    *,
    by: InstrumentedAttribute[str],
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[Row]:
    """Read one page of `rows`, newest first, where `by` is the id column. Raises `InvalidCursor`."""
    if cursor is not None:
        rows = rows.where(by < _checked(cursor))
    fetched = session.scalars(rows.order_by(by.desc()).limit(limit + 1)).all()
    items = fetched[:limit]
    return Page(items, getattr(items[-1], by.key) if len(fetched) > limit else None)


def _checked(cursor: str) -> str:
    try:
        return str(uuid.UUID(cursor))
    except ValueError as error:
        raise InvalidCursor(f"{cursor!r} is not a cursor; pass on `next_cursor` of the previous page") from error
