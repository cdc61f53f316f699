"""Lists, newest first: `{items, next_cursor}`. Ids sort by time of creation, so the cursor is the last item's id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import InvalidCursor

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
LARGEST_READ = 4 * 1024 * 1024
"""Bytes of JSON in the rows that one page reads, where rows say how much they hold; one row may be larger."""


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
    size: InstrumentedAttribute[int] | None = None,
    parts: Sequence[ColumnElement[bool]] = (),
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[Row]:
    """Read one page of `rows`, newest first, where `by` is the id column and `size` one of bytes.

    `parts` are conditions of which each row has to meet exactly one. The page's ids are looked up part by part, each in
    the order of an index of its own, so that a page costs the same however many rows there are.

    Raises `InvalidCursor`.
    """
    after = rows if cursor is None else rows.where(by < _checked(cursor))
    if parts:
        ids = after.with_only_columns(by).order_by(by.desc()).limit(limit + 1)
        found = union_all(*(select(ids.where(part).subquery().c[by.key]) for part in parts))
        rows = rows.where(by.in_(session.scalars(found).all()))
    else:
        rows = after
    if size is not None:
        limit = _fitting(session, rows, by=by, size=size, limit=limit)
    fetched = session.scalars(rows.order_by(by.desc()).limit(limit + 1)).all()
    items = fetched[:limit]
    return Page(items, getattr(items[-1], by.key) if len(fetched) > limit else None)


def _fitting(
    session: Session, rows: Select[Row], *, by: InstrumentedAttribute[str], size: InstrumentedAttribute[int], limit: int
) -> int:
    """Return how many of the first `limit` rows are not too large together; one is never."""
    sizes = session.scalars(rows.with_only_columns(size).order_by(by.desc()).limit(limit)).all()
    return max(1, sum(read <= LARGEST_READ for read in accumulate(sizes)) if sizes else limit)


def _checked(cursor: str) -> str:
    try:
        return str(uuid.UUID(cursor))
    except ValueError as error:
        raise InvalidCursor(f"{cursor!r} is not a cursor; pass on `next_cursor` of the previous page") from error
