"""The documentation page, and the parts of OpenAPI that FastAPI cannot know: request bodies and common headers.

Bodies are described from the very objects that read them (`app.api.request_body.Accepts`). Swagger UI is served from
this machine: services like this one often run where there is no internet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from app.api.request_body import JSON, MULTIPART, REQUEST, File, RequestBody
from app.auth.scopes import RequireScopes
from app.http.route_templates import every_route
from app.http.security_headers import page_policy

T = TypeVar("T")

ASSETS = "/docs/assets"
PLACES = 16
"""Paths of a proxy for which the encoded document is kept."""
SCHEMAS = "#/components/schemas/"
INHERITS = {"LanguageConfig": "MLMConfig"}
"""Of the hyperparameters of a stage, what takes fields over: their docstrings are read where they are written alone."""
BEARER = "bearer"

DESCRIPTION = """
Few-shot natural-language inference for low-resource languages: **Lottery Ticket Prompt-learning** on one shared XLM-R.

1. `POST /tickets` measures how far each parameter of the backbone moves on unlabelled text (a *drift*) and selects the
   parameters that moved most (a *ticket*).
2. `POST /adapters` trains a soft prompt and the ticket's parameters on a page of labelled pairs of one language.
   `POST /data/check` says before what it understands of your file, `POST /adapters/estimate` how long it will take,
   and `GET /adapters/{id}/answers` afterwards where the adapter errs.
   `POST /languages/{lang}/text` takes unlabelled text of the language, which an adapter can be trained on top of.
3. `POST /predict` judges new pairs, of as many languages as you like in one request.
   `POST /adapters/{id}/suggestions` says which pairs to have labelled next.

Work that takes long answers **202** with a job: look at it, watch `GET /jobs/{id}/events`, or cancel it. Send an
`Idempotency-Key` and repeating a request never repeats the work. Every refusal is
`{"error", "detail", "fields"?, "request_id"}`.

Where authentication is on, send a key as `Authorization: Bearer <key>`; `POST /keys` makes one, with the scopes you
choose: `read`, `predict`, `train`, `admin`. A key sees what its tenant made, and nothing of others. After **429** or
**503** come back in `Retry-After` seconds.
"""
TAGS = [
    {"name": "tickets", "description": "Which parameters of the backbone may train: winning tickets."},
    {"name": "drifts", "description": "The MLM runs tickets are selected from."},
    {"name": "adapters", "description": "What few-shot training publishes for a language; immutable, versioned."},
    {"name": "languages", "description": "Versions, and the aliases that point at them."},
    {"name": "language deltas", "description": "What languages' own texts changed, to train adapters on top of."},
    {"name": "data", "description": "What is understood of a file, and what to label next."},
    {"name": "predictions", "description": "Judging pairs, at once or a file at a time."},
    {"name": "jobs", "description": "Durable work, from accepted to finished."},
    {"name": "workers", "description": "The processes that do the work."},
    {"name": "keys", "description": "Who may use the service, and for what."},
    {"name": "webhooks", "description": "Who is told when a job has ended."},
    {"name": "audit", "description": "Who changed what, when."},
    {"name": "operations", "description": "Health, readiness, figures, version."},
]


class Assets(StaticFiles):
    """Files that a browser may keep, as long as it asks whether they are still the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def serve_docs(app: FastAPI) -> None:
    """Add `/docs` with its assets, and complete `/openapi.json`."""
    app.mount(ASSETS, Assets(directory=str(files("fastapi_offline") / "static")), name="docs-assets")

    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True, "docExpansion": "list"},
        )
        page.headers["Content-Security-Policy"] = page_policy(bytes(page.body))
        return page

    @lru_cache(maxsize=PLACES)
    def document(root: str) -> bytes:
        """The document as it is sent: public, a sixth of a megabyte, and dear to encode for everybody who asks."""
        schema = app.openapi()
        return json.dumps(schema | {"servers": [{"url": root}]} if root else schema, allow_nan=False).encode()

    async def openapi(request: Request) -> Response:
        return Response(document(request.scope.get("root_path", "").rstrip("/")), media_type="application/json")

    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/openapi.json", openapi, include_in_schema=False)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        _describe_bodies(schema, list(_bodies(app.routes)))
        if app.state.settings.auth == "on":
            _describe_scopes(schema, app.routes)
        _describe_headers(schema)
        _drop_default_422(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _bodies(routes: list[BaseRoute]) -> Iterator[tuple[APIRoute, RequestBody[Any]]]:
    """Yield the routes that read a body, with what reads it."""
    for route in every_route(routes):
        for accepts in _dependencies(route.dependant, RequestBody):
            yield route, accepts


def _dependencies(dependant: Dependant, kind: type[T]) -> Iterator[T]:
    """Yield what a route depends on, directly or not, that is of one kind."""
    if isinstance(dependant.call, kind):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _dependencies(inner, kind)


def _describe_bodies(schema: dict[str, Any], bodies: list[tuple[APIRoute, RequestBody[Any]]]) -> None:
    models = [(accepts.model, "validation") for _, accepts in bodies]
    references, definitions = models_json_schema(models, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    schemas = schema["components"]["schemas"]
    schemas |= definitions["$defs"]
    for heir, of in INHERITS.items():
        for name, told in schemas[of]["properties"].items():
            schemas[heir]["properties"][name].setdefault("description", told["description"])
    for route, accepts in bodies:
        reference = references[accepts.model, "validation"]
        for method in route.methods or ():
            operation = schema["paths"][route.path_format][method.lower()]
            operation["requestBody"] = {"required": True, "content": _content(accepts, reference)}


def _binary(file: File) -> dict[str, Any]:
    return {"type": "string", "format": "binary", "description": file.description}


def _content(accepts: RequestBody[Any], reference: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if accepts.json_body:
        content[JSON] = {"schema": reference}
    if accepts.files:
        parts = {name: _binary(file) for name, file in accepts.files.items()}
        required = [name for name, file in accepts.files.items() if file.required]
        if not accepts.optional:
            required.append(REQUEST)
        content[MULTIPART] = {
            "schema": {
                "type": "object",
                "properties": {**parts, REQUEST: reference},
                "required": required,
                "additionalProperties": False if accepts.others is None else _binary(accepts.others[1]),
            },
            "encoding": {REQUEST: {"contentType": JSON}},
        }
    return content


def _describe_scopes(schema: dict[str, Any], routes: list[BaseRoute]) -> None:
    """Say of each operation that is not public that it takes a key, and with which scope."""
    scheme = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ltp_...",
        "description": "A key from `POST /keys`, or the service's ADMIN_KEY.",
    }
    schema["components"]["securitySchemes"] = {BEARER: scheme}
    for route in every_route(routes):
        for needs in _dependencies(route.dependant, RequireScopes):
            for method in route.methods or ():
                operation = schema["paths"][route.path_format][method.lower()]
                operation["security"] = [{BEARER: []}]
                scopes = " or ".join(f"`{scope}`" for scope in needs.scopes)
                operation["description"] = f"{operation['description']}\n\nNeeds a key with scope {scopes}."


def _describe_headers(schema: dict[str, Any]) -> None:
    """Every response carries a request id; 202 says where the job is; 429 and 503 say when to come back."""
    ours = {
        "X-Request-ID": ("Identifies the request in our log; yours is taken over if you send one.", "string"),
        "Location": ("Where the job is.", "string"),
        "Retry-After": ("Seconds to wait before trying again.", "integer"),
    }
    described = {name: {"description": words, "schema": {"type": kind}} for name, (words, kind) in ours.items()}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                headers = response.setdefault("headers", {})
                headers["X-Request-ID"] = described["X-Request-ID"]
                if status in ("429", "503"):
                    headers["Retry-After"] = described["Retry-After"]
                if status == "202" and "cancel" not in operation["operationId"]:
                    headers["Location"] = described["Location"]


def _drop_default_422(schema: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds in its own shape wherever there is a parameter; routes declare theirs."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            content = operation["responses"].get("422", {}).get("content", {})
            if content.get(JSON, {}).get("schema", {}).get("$ref") == SCHEMAS + "HTTPValidationError":
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
