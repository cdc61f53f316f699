"""What every table is made of: the mapped base class, kinds of columns, the database's clock, ids, and upserts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import uuid_utils
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    FunctionElement,
    MetaData,
    String,
    TypeDecorator,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of the mapped classes in `app.storage.models`."""

    metadata = MetaData(naming_convention=NAMING)


class UTCDateTime(TypeDecorator[datetime]):
    """A point in time: timezone-aware UTC in Python, `timestamptz` in Postgres, UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite's text form carries no zone."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _DatabaseClock(FunctionElement[datetime]):
    """The database's present time, not the transaction's start."""

    type = UTCDateTime()
    inherit_cache = True


@compiles(_DatabaseClock, "sqlite")
def _sqlite_clock(element: _DatabaseClock, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ARG001
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


@compiles(_DatabaseClock, "postgresql")
def _postgres_clock(element: _DatabaseClock, compiler: SQLCompiler, **_: Any) -> str:  # noqa: ARG001
    return "clock_timestamp()"


def now(session: Session) -> datetime:
    """Return the database's present time in UTC."""
    return session.execute(select(_DatabaseClock())).scalar_one()


def new_id() -> str:
    """Return a UUIDv7: unique everywhere, and sorted by time of creation."""
    return str(uuid_utils.uuid7())


def insert(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT; both dialects spell it the same."""
    dialect = session.get_bind().dialect.name
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


Json = Annotated[dict[str, Any], mapped_column(JSON().with_variant(JSONB(), "postgresql"))]


JsonList = Annotated[list[Any], mapped_column(JSON().with_variant(JSONB(), "postgresql"))]


JsonAny = Annotated[Any, mapped_column(JSON().with_variant(JSONB(), "postgresql"))]


Id = Annotated[str, mapped_column(String(36), primary_key=True)]


TenantName = Annotated[str, mapped_column(String(64))]


Word = Annotated[str, mapped_column(String(32))]


Sha256 = Annotated[str, mapped_column(String(64))]


Count = Annotated[int, mapped_column(BigInteger)]


Moment = Annotated[datetime, mapped_column(UTCDateTime())]


def reference(target: str, *, ondelete: str | None = None) -> Any:
    """Point at a row of another table; indexed, since deletions look for what depends on them."""
    return mapped_column(String(36), ForeignKey(target, ondelete=ondelete), index=True)
