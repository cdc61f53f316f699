"""What a proxy says about a request: whose it is, and under which path it shows the service. Believed of trusted ones.

Paths are as ASGI has them: with the part that the service lies under, whether or not the proxy has taken it off.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.http.middleware.layer import Layer
from app.http.trusted_proxies import TrustedProxies
from app.setting_values import ROOT_PATH
from app.settings import Settings

PREFIX = "X-Forwarded-Prefix"
LONGEST = 200
"""Characters of a prefix."""


class BehindProxy(Layer):
    """Sets client, scheme and path of requests that came through a proxy."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(app)
        self._root, self._proxies = settings.root_path, TrustedProxies(settings.forwarded_allow_ips)
        self._forwarded = ProxyHeadersMiddleware(app, settings.forwarded_allow_ips)  # type: ignore[arg-type]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        trusted = scope["client"] is not None and scope["client"][0] in self._proxies
        root = self._root or (_prefix(Headers(scope=scope)) if trusted else "")
        if root:
            scope["root_path"] = root
            if not (scope["path"] + "/").startswith(root + "/"):
                scope["path"] = root + scope["path"]
                scope["raw_path"] = root.encode() + scope["raw_path"]
        await (self._forwarded if trusted else self.app)(scope, receive, send)  # type: ignore[arg-type]


def _prefix(headers: Headers) -> str:
    """Return the path that a proxy names, if it names one that is a path and nothing else."""
    given = headers.getlist(PREFIX)
    prefix = given[0].rstrip("/") if len(given) == 1 else ""
    return prefix if len(prefix) <= LONGEST and re.fullmatch(ROOT_PATH, prefix) else ""
