"""Who is calling: the holder of a key, of the settings' ADMIN_KEY, or, without authentication, this machine.

Every key that is refused is refused alike, whatever is wrong with it. Without authentication the service trusts the
loopback interface and therefore has to distrust browsers: a web page can reach 127.0.0.1 (its `Origin` gives it away)
and can rebind a name of its own to it (its `Host` does). Both are refused.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, cast

from fastapi import Depends, Request
from starlette.datastructures import Headers

from app.auth.key_cache import KeyCache
from app.auth.key_secret import digest
from app.auth.rate_limits import RateLimits
from app.errors import DatabaseUnavailable, RateLimited, Unauthorized
from app.settings import Settings

Scope = Literal["read", "predict", "train", "admin"]

DEFAULT_TENANT = "default"
ADMIN, LOCAL = "admin", "local"
"""The actors that are no keys of the database: the settings' ADMIN_KEY, and any client where authentication is off."""
EVERY_SCOPE: frozenset[Scope] = frozenset({"read", "predict", "train", "admin"})


@dataclass(frozen=True)
class Caller:
    """On whose behalf a request acts, and what it may do."""

    tenant: str = DEFAULT_TENANT
    scopes: frozenset[Scope] = EVERY_SCOPE
    actor: str = LOCAL
    """Who it is in the audit trail: `key:<id>`, `admin` (the key of the settings), or `local`."""
    expires_at: datetime | None = None
    """When its key ends; it can hand out none that lives longer."""
    confirmed: bool = True
    """False while the database is down and the key is believed from memory."""
    key_id: str | None = None
    """Its key's id; None for ADMIN_KEY, and where authentication is off."""


async def caller(request: Request) -> Caller:
    """Return who is calling.

    Raises:
        Unauthorized: no key was sent, or one that is malformed, unknown, revoked or expired.
        RateLimited: the key or its tenant has used up what it may; or it is wrong, and not the first from its address.
        DatabaseUnavailable: whether the key is valid cannot be found out now.
    """
    limits: RateLimits = request.app.state.limits
    calling = request.state.caller = await _holder(request)  # there for the log line
    if calling.actor != LOCAL:
        limits.count(calling.actor, tenant=None if calling.actor == ADMIN else calling.tenant)
    return calling


async def confirm(request: Request) -> None:
    """Ask the database whether the key of a request is valid this moment, whatever this process remembers.

    Raises:
        Unauthorized: it is not, any more.
        DatabaseUnavailable: it cannot be found out now.
    """
    await _holder(request, fresh=True)


async def still_valid(request: Request) -> bool:
    """Tell whether the key that a long answer began with is valid yet; while the database is down it is."""
    try:
        await _holder(request)
    except DatabaseUnavailable:
        return True
    except (Unauthorized, RateLimited):
        return False
    return True


async def _holder(request: Request, *, fresh: bool = False) -> Caller:
    """Return who holds the key that was sent; where authentication is off, the local caller."""
    state, settings = request.app.state, cast(Settings, request.app.state.settings)
    if settings.auth == "off":
        return Caller()
    secret, address = _secret(request.headers), request.client.host if request.client else ""
    if settings.admin_key is not None and _same(secret, settings.admin_key.get_secret_value()):
        return Caller(actor=ADMIN)
    keys: KeyCache = state.keys
    limits: RateLimits = state.limits
    known = await keys.find(
        secret, fresh=fresh
    )  # looked for in any case: many may be behind the address of one guesser
    if known is None:
        limits.fail(address)
        raise _unauthorized()
    key = known.key
    scopes = EVERY_SCOPE & key.scopes
    return Caller(key.tenant, scopes, f"key:{key.id}", key.expires_at, known.confirmed, key.id)


def _secret(headers: Headers) -> str:
    """Return the bearer token. Raises Unauthorized when there is none, or there are two."""
    sent = headers.getlist("authorization")
    scheme, _, secret = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorized()
    return secret.strip()


def _same(sent: str, expected: str) -> bool:
    """Compare in a time that tells nothing of either, its length included."""
    return hmac.compare_digest(digest(sent), digest(expected))


def _unauthorized() -> Unauthorized:
    return Unauthorized("send a valid key as `Authorization: Bearer <key>`")


CallerDep = Annotated[Caller, Depends(caller)]
