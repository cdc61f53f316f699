"""How the built console is served: one page at `/` and under `/ui/`, and files that never change under a name.

The page is the same wherever it is asked for: what is shown is decided in the browser by the path. It says itself
where it lies (`<base href>`), since a proxy may put the service under a path of its own. It talks to the public API as
any client does, so nothing here knows who is calling.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

STATIC = Path(str(files("app.console"))) / "static"
PAGES, ASSETS = "/ui", "/ui/assets"
PAGE, ICON = "index.html", "icon.svg"
BASE = '<base href="/ui/"'
"""What the built page says of its place, as long as nobody has told it otherwise."""
PLACES = 16
"""Paths of a proxy for which the page is kept."""
POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'self'",
        "object-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""A page loads and asks this service alone, and runs and styles by files alone: nothing inline."""
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets(StaticFiles):
    """Files whose names carry a hash of what they hold: what has been fetched once need not be asked for again."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = A_YEAR
        return response


def serve_console(app: FastAPI) -> None:
    """Add the pages and their files. No other route begins with `/ui`."""
    app.mount(ASSETS, Assets(directory=STATIC / "assets", check_dir=False), name="console-assets")

    @lru_cache(maxsize=PLACES)
    def placed(root: str) -> bytes:
        html = (STATIC / PAGE).read_text("utf-8")
        return html.replace(BASE, f'<base href="{escape(root)}{PAGES}/"').encode()

    async def page(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        headers = {
            "Content-Security-Policy": POLICY,
            "Permissions-Policy": PERMISSIONS,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": ASK_AGAIN,
        }
        return Response(placed(root), media_type="text/html", headers=headers)

    async def icon(_: Request) -> Response:
        return FileResponse(STATIC / ICON, media_type="image/svg+xml", headers={"Cache-Control": ASK_AGAIN})

    app.add_route(f"{PAGES}/{ICON}", icon, include_in_schema=False)
    for path in ("/", PAGES, f"{PAGES}/{{path:path}}"):
        app.add_route(path, page, include_in_schema=False)
