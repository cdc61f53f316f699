"""What holds for every request, whatever route it goes to: one concern a file, in the order of `layers`.

The size of a body is bounded where it is read (`app.api.request_body`), and a key's rate where it is known
(`app.auth.caller`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from app.http.middleware.allowed_hosts import AllowedHosts
from app.http.middleware.behind_proxy import BehindProxy
from app.http.middleware.body_timeout import BodyTimeout
from app.http.middleware.connection_close import ConnectionClose
from app.http.middleware.connection_limit import ConnectionLimit
from app.http.middleware.content_encoding import ContentEncoding
from app.http.middleware.request_id import RequestId
from app.http.middleware.request_log import RequestLog
from app.http.middleware.request_trace import RequestTrace
from app.http.middleware.response_headers import ResponseHeaders
from app.http.middleware.standard_methods import StandardMethods
from app.http.middleware.unhandled_errors import UnhandledErrors
from app.settings import Settings

if TYPE_CHECKING:
    from app.telemetry.metrics import Metrics
    from app.telemetry.tracing import Tracing


def layers(settings: Settings, metrics: Metrics, tracing: Tracing, *, draining: Callable[[], bool]) -> list[Middleware]:
    """Return the layers around the routes, the outermost first. `draining` tells whether the process is to stop."""
    return [
        Middleware(BehindProxy, settings=settings),
        Middleware(RequestId),
        *([Middleware(RequestTrace, tracing=tracing)] if tracing.on else []),
        Middleware(RequestLog, metrics=metrics),
        Middleware(ResponseHeaders),
        Middleware(ConnectionClose, draining=draining),
        Middleware(UnhandledErrors),
        Middleware(ConnectionLimit),
        *([Middleware(AllowedHosts)] if settings.auth == "off" else []),
        Middleware(ContentEncoding),
        Middleware(StandardMethods),
        Middleware(BodyTimeout, grace_s=settings.upload_grace_s, bytes_s=settings.upload_min_kib_s * 1024),
    ]
