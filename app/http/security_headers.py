"""Headers on every answer, refusals included, that tell browsers and caches what they may not do with it.

`Strict-Transport-Security` is not among them: the service speaks plain HTTP, and it is the proxy that speaks TLS for it
that knows whether its whole host does. Set it there.
"""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders

REQUEST_ID = "X-Request-ID"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""An answer is data: no browser has anything to load or to run for its sake."""

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": NOTHING,
    "Cache-Control": "no-store",
}
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def secure(headers: MutableHeaders) -> None:
    """Add what is missing; an answer that knows better has set its own."""
    for name, value in SECURITY.items():
        headers.setdefault(name, value)


def page_policy(html: bytes) -> str:
    """Return the policy of a page: this service's own files, and of inline scripts exactly those in `html`.

    Inline styles are allowed, for Swagger UI sets some; they can run nothing.
    """
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(html)]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    others = "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
    return f"{NOTHING}; script-src {scripts}; {others}"
