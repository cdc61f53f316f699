"""Keys: who may use the service, and for what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from app.api.schemas.scalars import ALIAS, Answer, Moment, Name, Request
from app.auth.caller import Scope
from app.storage import models

A_KEY_ID = "0199f3d1-66f0-7c11-8a54-91c1e0b7a411"
A_SECRET = "ltp_b0xw1pXhI2mKb3cQ9vZ7tYfUe4sRd8gN6aJ5oLkHjGM"  # noqa: S105  an example, not a key
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Outside of these a moment is a typing error, and may not exist in another time zone."""


def _possible(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"must be in the future and before {LATEST.year}; without it the key does not expire")
    return moment.astimezone(UTC)


def _distinct(scopes: list[str]) -> list[str]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("must name each scope once")
    return scopes


TenantName = Annotated[str, Field(max_length=64, pattern=ALIAS, examples=["field-team"])]
Scopes = Annotated[
    list[Scope],
    Field(min_length=1, max_length=4, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
Expiry = Annotated[AwareDatetime, Field(examples=["2027-03-01T12:00:00Z"]), AfterValidator(_possible)]


class KeyRequest(Request):
    """A new key, of one's own tenant or, with ADMIN_KEY, of any."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "laptop of A.", "scopes": ["read", "predict"]},
                {"tenant": "field-team", "name": "their first", "scopes": ["read", "predict", "train", "admin"]},
            ]
        }
    )

    tenant: TenantName | None = None
    """Default: your own. Only ADMIN_KEY may name another; it is created when it is new."""
    name: Name
    """For people: whose key it is, or what it is for."""
    scopes: Scopes
    """What it may do, and nothing else: `read`, `predict`, `train`, `admin`. You can only give what you have."""
    expires_at: Expiry | None = None
    """When it ends; never without it. It cannot outlive the key that makes it."""


class KeyPublic(Answer):
    """A key without its secret, which is kept nowhere."""

    id: Annotated[str, Field(examples=[A_KEY_ID])]
    tenant: Annotated[str, Field(examples=["field-team"])]
    name: Annotated[str, Field(examples=["laptop of A."])]
    scopes: Annotated[list[Scope], Field(examples=[["predict", "read"]])]
    made_by: Annotated[str | None, Field(examples=[A_KEY_ID])]
    """Id of the key that made it; null: ADMIN_KEY did, or a version that did not note it."""
    created_at: Moment
    expires_at: Moment | None
    """Null: never."""
    last_used_at: Moment | None
    """To about a minute; null: not yet."""

    @classmethod
    def of(cls, row: models.ApiKeyRow) -> KeyPublic:
        """Describe a stored key."""
        return cls(**{name: getattr(row, name) for name in KeyPublic.model_fields})


class KeyCreated(KeyPublic):
    """A key with its secret, this once."""

    secret: Annotated[str, Field(examples=[A_SECRET])]
    """Send it as `Authorization: Bearer <secret>`. It is not shown again."""
