"""The kinds of columns the tables are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

from app.db import UTCDateTime

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
