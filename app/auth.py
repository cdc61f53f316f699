"""Who is calling. The embedded profile has one caller, this machine; keys and tenants join here.

Without authentication the service trusts the loopback interface and therefore has to distrust browsers: a web page can
reach 127.0.0.1 (its `Origin` gives it away) and can rebind a name of its own to it (its `Host` does). Both are refused.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers

from app.errors import ForbiddenHost, ForbiddenOrigin, Unauthorized
from app.settings import Settings

Scope = Literal["read", "predict", "train", "admin"]

DEFAULT_TENANT = "default"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EVERY_SCOPE: frozenset[Scope] = frozenset({"read", "predict", "train", "admin"})


@dataclass(frozen=True)
class Caller:
    """On whose behalf a request acts, and what it may do."""

    tenant: str = DEFAULT_TENANT
    scopes: frozenset[Scope] = EVERY_SCOPE
    actor: str = "local"
    """Who it is in the audit trail: `key:<id>`, `admin` (the key of the settings), or `local`."""


def caller(request: Request) -> Caller:
    """Return who is calling; raises Unauthorized where authentication is on and no valid key was sent."""
    settings: Settings = request.app.state.settings
    if settings.auth == "off":
        return Caller()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    admin = settings.admin_key.get_secret_value() if settings.admin_key else ""
    if not admin or scheme.lower() != "bearer" or not hmac.compare_digest(secret.encode(), admin.encode()):
        raise Unauthorized("send a valid key as `Authorization: Bearer <key>`")
    return Caller(actor="admin")


CallerDep = Annotated[Caller, Depends(caller)]


def refuse_strangers(headers: Headers) -> None:
    """Refuse requests that did not come from this machine on purpose; for services without authentication.

    Raises:
        ForbiddenHost: `Host` is absent, given twice, or not a loopback name (any port).
        ForbiddenOrigin: `Origin` is there and is not a page of this machine.
    """
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _host(f"//{hosts[0]}") not in LOOPBACK:
        shown = ", ".join(hosts) or "none"
        raise ForbiddenHost(f"without authentication only localhost, 127.0.0.1 and [::1] are served; Host was {shown}")
    for origin in headers.getlist("origin"):
        if not origin.startswith(("http://", "https://")) or _host(origin) not in LOOPBACK:
            raise ForbiddenOrigin(f"without authentication pages of other origins are refused; Origin was {origin}")


def _host(url: str) -> str | None:
    """Return the host of `url` without port, brackets and case, or None when it is malformed."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError:
        return None
    return None if parts.username or parts.path not in ("", "/") or parts.query else parts.hostname
