"""What the application's routes are: all of them, and the methods one path answers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Scope


def every_route(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """Yield the API's routes, those of included routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif inner := getattr(getattr(route, "original_router", None), "routes", None):
            yield from every_route(inner)


def template_of(scope: Scope) -> str:
    """Return the template of the route a request went to; paths themselves carry what callers make up."""
    return getattr(scope.get("route"), "path", "other")


def methods_of(request: Request) -> list[str]:
    """Return every method the path of a request answers to, sorted; the framework's 405 names only one route's.

    HEAD and OPTIONS are answered by `app.http.middleware.standard_methods`; a path that is no API's has none here.
    """
    methods: set[str] = set()
    for route in every_route(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()) | ({"OPTIONS"} if methods else set()))


def path_of(scope: Scope) -> str:
    """Return the path of a request below the one that the service lies under, as routes and errors name it."""
    root, path = scope.get("root_path", ""), str(scope["path"])
    return path.removeprefix(root) or "/" if root and (path + "/").startswith(root + "/") else path
