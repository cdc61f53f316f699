"""The one table from error class to HTTP status, and the code an error is known by."""

from __future__ import annotations

from app.errors import (
    AppError,
    BodyTooLarge,
    Busy,
    Conflict,
    Damaged,
    Fenced,
    HeadTooLarge,
    Invalid,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    QueueFull,
    RateLimited,
    Refused,
    RequestTimeout,
    TooManyJobs,
    TooManyStreams,
    TooManyUploads,
    Unauthorized,
    UnsupportedMediaType,
    snake_case,
)
from app.storage.circuit_breaker import UNREACHABLE
from app.storage.errors import BackupRefused, DataDirInUse
from app.storage.object_store import BlobStoreNotInstalled
from ltp import errors as ltp

STATUS: dict[type[Exception], int] = {
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Invalid: 422,
    Refused: 403,
    Unauthorized: 401,
    MalformedRequest: 400,
    RequestTimeout: 408,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    HeadTooLarge: 431,
    QueueFull: 429,
    RateLimited: 429,
    TooManyJobs: 429,
    TooManyStreams: 429,
    TooManyUploads: 429,
    Busy: 503,
    Damaged: 503,
    Fenced: 409,
    DataDirInUse: 409,
    BackupRefused: 409,
    BlobStoreNotInstalled: 503,
    **dict.fromkeys(UNREACHABLE, 503),
    ltp.BackboneError: 503,
    ltp.AdapterNotUsable: 409,
    ltp.LTPError: 422,
}
"""The nearest class in an error's ancestry decides."""

CODES: dict[type[Exception], str] = dict.fromkeys(UNREACHABLE, "database_unavailable")
"""Codes of errors that are not ours; every other code is the class name in snake case."""


def status_of(error: Exception) -> int:
    """Return the HTTP status for `error`; 500 for one of no known class."""
    return next((STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS), 500)


def code_of(error: Exception) -> str:
    """Return the error code for `error`: `job_not_found`, `backbone_mismatch`, ..."""
    if isinstance(error, AppError | ltp.LTPError):
        return snake_case(type(error).__name__)
    return next((CODES[ancestor] for ancestor in type(error).__mro__ if ancestor in CODES), "internal_error")
