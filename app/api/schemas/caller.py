"""Who is asking, what they may do, and how much."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from app.api.schemas.keys import A_KEY_ID
from app.api.schemas.scalars import Answer, Moment
from app.auth.caller import ADMIN, LOCAL, Caller, Scope


class CallerPublic(Answer):
    """On whose behalf you ask."""

    authentication: Literal["on", "off"]
    """`off`: everybody on this machine may do everything, and no key is needed."""
    kind: Literal["key", "admin_key", "local"]
    """`admin_key` is the one of the settings; `local` whoever asks where authentication is off."""
    tenant: Annotated[str, Field(examples=["field-team"])]
    """Whose things you see."""
    scopes: Annotated[list[Scope], Field(examples=[["read", "predict", "train"]])]
    """What you may do."""
    key: Annotated[str | None, Field(examples=[A_KEY_ID])]
    """Id of your key; null for the two others."""
    expires_at: Moment | None
    """When it ends; null if it does not."""

    @classmethod
    def of(cls, caller: Caller) -> CallerPublic:
        """Describe a caller to itself."""
        return cls(
            authentication="off" if caller.actor == LOCAL else "on",
            kind="local" if caller.actor == LOCAL else "admin_key" if caller.actor == ADMIN else "key",
            tenant=caller.tenant,
            scopes=[scope for scope in get_args(Scope) if scope in caller.scopes],
            key=caller.key_id,
            expires_at=caller.expires_at,
        )


class QuotaPublic(Answer):
    """What your tenant has, and what it may have."""

    stored_bytes: Annotated[int, Field(examples=[734_003_200])]
    """Uploads, artefacts, and the records that tell of them; what came with the program costs nothing."""
    most_stored_bytes: Annotated[int, Field(examples=[53_687_091_200])]
    unfinished_jobs: Annotated[int, Field(examples=[2])]
    """Queued and running."""
    most_unfinished_jobs: Annotated[int, Field(examples=[200])]
    keys: Annotated[int, Field(examples=[3])]
    """Those that are valid."""
    most_keys: Annotated[int, Field(examples=[200])]
