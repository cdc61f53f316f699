"""Every refusal leaves through here: `{"error", "detail", "fields"?, "request_id"}` with the right status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import (
    AppError,
    Conflict,
    DatabaseUnavailable,
    FieldError,
    InvalidRequest,
    MethodNotAllowed,
    RouteNotFound,
    StorageFull,
)
from app.http.error_statuses import code_of, status_of
from app.http.route_templates import methods_of, path_of, template_of
from app.http.validation_errors import MOST, field_errors, sentence
from app.storage.circuit_breaker import UNREACHABLE
from app.storage.damage import DatabaseDamaged, is_damaged
from app.storage.disk_full import is_storage_full
from app.storage.locks import is_overtaken
from app.storage.sql_states import explain
from ltp.errors import LTPError

log = structlog.get_logger(__name__)

LONGEST = 2_000
"""Characters of any sentence that is answered; more of it could only be what the caller sent."""
MOST_VALUES = 100
"""Values that a fault lists: labels have a dozen spellings."""
RETRY_AFTER_S = 5
"""Sent with 429 and 503 when the error itself knows no better."""


def install(app: FastAPI) -> None:
    """Route every error an endpoint can raise into `refuse`."""

    async def handler(request: Request, error: Exception) -> Response:
        return refuse(request, error)

    for kind in (AppError, LTPError, *UNREACHABLE, IntegrityError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handler)


def refuse(request: Request, error: Exception) -> JSONResponse:
    """Render `error`. An error of no known class is a 500 that tells the caller only the request id."""
    error, headers = _ours(request, error)
    if status_of(error) >= 500 and status_of(error) != 503:
        log.error("request failed", route=template_of(request.scope), exc_info=error)
    return refusal(error, request.state.request_id, headers)


def refusal(error: Exception, request_id: str, headers: Mapping[str, str] = MappingProxyType({})) -> JSONResponse:
    """Render an error of ours, wherever it was raised."""
    status = status_of(error)
    body: dict[str, Any] = {"error": code_of(error), "detail": _cut(_detail(error, status))}
    if isinstance(error, AppError) and error.fields:
        body["fields"] = [_fault(field) for field in error.fields[:MOST]]
    body["request_id"] = request_id
    if status in (429, 503):
        retry_after = error.retry_after if isinstance(error, AppError) else None
        headers = {**headers, "Retry-After": str(retry_after or RETRY_AFTER_S)}
    if status == 401:
        headers = {**headers, "WWW-Authenticate": "Bearer"}
    return JSONResponse(body, status, headers=dict(headers))


def _fault(field: FieldError) -> dict[str, Any]:
    """Render one fault; what nobody knows of it is left out."""
    told: dict[str, Any] = {"path": _cut(field.path), "message": _cut(field.message)}
    if field.reason is not None:
        told["reason"] = field.reason
    if field.values:
        told["values"] = [value for value in field.values if len(value) <= LONGEST and _cut(value) == value][
            :MOST_VALUES
        ]
    if field.line is not None:
        told["line"] = field.line
    return told


def _ours(request: Request, error: Exception) -> tuple[Exception, Mapping[str, str]]:
    """Turn the framework's errors into ours; returns headers they ask for."""
    if isinstance(error, RequestValidationError):
        fields = field_errors({**fault, "loc": fault["loc"][1:]} for fault in error.errors())
        return InvalidRequest(sentence(fields), fields=fields), {}
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            allowed = ", ".join(methods_of(request)) or "GET, HEAD"
            what = f"{request.method} is not possible on {path_of(request.scope)!r}; it takes {allowed}"
            return MethodNotAllowed(what), {"Allow": allowed}
        return RouteNotFound(path_of(request.scope)), {}
    if is_overtaken(error):
        log.warning("overtaken by another transaction", route=template_of(request.scope), exc_info=error)
        what = "what this refers to was deleted, or what it makes was made, at the same moment"
        return Conflict(f"{what}; look at what is there now, and send it again if it still makes sense"), {}
    if is_storage_full(error):
        return StorageFull("there is no room left to store this; free some and try again"), {}
    if is_damaged(error):
        return DatabaseDamaged(), {}
    cause = getattr(error, "orig", None)  # what we refuse ourselves passes through SQLAlchemy
    return (cause if isinstance(cause, AppError) else error), {}


def _cut(words: str) -> str:
    """Shorten what is too long, and write what no encoder takes as its escape."""
    shown = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    return shown.encode("utf-8", "backslashreplace").decode()


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, UNREACHABLE):
        return explain(error) or str(DatabaseUnavailable())
    if status == 500:
        return "something went wrong here, and it is not your request's fault; quote the request id when you report it"
    return str(error)
