"""The audit trail: what was changed, when, and by whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.scalars import A_JOB_ID, AN_ADAPTER_ID, Answer, Moment
from app.storage import models

AN_EVENT_ID = "0199f3d4-0be2-7f35-9c1d-27a6c2c6f5b0"
A_KEYS_ACTOR = "key:0199f3d1-66f0-7c11-8a54-91c1e0b7a411"


class Concerned(Answer):
    """What a change was about."""

    kind: Annotated[str, Field(examples=["adapter"])]
    """`ticket`, `drift`, `adapter`, `prediction`, `alias`, `job`, `key` or `webhook`."""
    id: Annotated[str, Field(examples=[AN_ADAPTER_ID])]
    """Its id; an alias is named `lang@alias`."""


class AuditEventPublic(Answer):
    """One change. It was written together with this event, or not at all."""

    id: Annotated[str, Field(examples=[AN_EVENT_ID])]
    actor: Annotated[str, Field(examples=[A_KEYS_ACTOR])]
    """`key:<id>`, `admin` (ADMIN_KEY), `local` (authentication is off), `job:<id>` for how a job ended, `retention`."""
    action: Annotated[str, Field(examples=["create_adapter"])]
    """The operation's id in this document, or `publish_ticket`, `publish_adapter`, `publish_prediction`, `fail_job`,
    and `delete_job`, which is retention's alone. An import that brings a ticket along leaves `create_ticket` as well,
    an alias that is moved by a publication or an import `set_alias`."""
    resource: Concerned | None
    request_id: Annotated[str | None, Field(examples=[A_JOB_ID])]
    """The request's `X-Request-ID`; null for what a job did."""
    created_at: Moment

    @classmethod
    def of(cls, row: models.AuditEventRow) -> AuditEventPublic:
        """Describe a stored event."""
        named = row.resource_kind is not None and row.resource_id is not None
        return cls(
            id=row.id,
            actor=row.actor,
            action=row.action,
            resource=Concerned(kind=row.resource_kind or "", id=row.resource_id or "") if named else None,
            request_id=row.request_id,
            created_at=row.created_at,
        )
