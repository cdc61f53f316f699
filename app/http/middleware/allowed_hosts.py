"""Which hosts and origins may talk to a service without authentication: this machine, and its own pages only."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.errors import ForbiddenHost, ForbiddenOrigin
from app.http.loopback import LOOPBACK
from app.http.middleware.layer import Layer


class AllowedHosts(Layer):
    """Refuses requests that did not come from this machine on purpose; for services without authentication."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request.

        Raises:
            ForbiddenHost: `Host` is absent, given twice, or not a loopback name (any port).
            ForbiddenOrigin: `Origin` is there and is not a page of this machine.
        """
        _check(Headers(scope=scope))
        await self.app(scope, receive, send)


def _check(headers: Headers) -> None:
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
