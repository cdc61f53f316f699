"""What the service raises on purpose. `app.http.error_statuses` gives each its HTTP status.

AppError
├── NotFound                404, also for what belongs to another tenant
├── Conflict                409
├── Invalid                 422; may point at fields
├── Refused                 400, 401, 403, 408, 413, 415, 431: the request is turned away before it is read
├── Busy                    429, 503: worth trying again after `retry_after` seconds
├── Damaged                 503: what is stored is not what was stored
└── Fenced                  raised inside a job only: it must stop and discard what it did
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class FieldError(NamedTuple):
    """One fault: where (`pairs.3.premise`), what would be right; for programs a reason, values, the line of a file."""

    path: str
    message: str
    reason: str | None = None
    values: Sequence[str] = ()
    line: int | None = None


def snake_case(name: str) -> str:
    """Turn a class name into its error code: `LeaseLost` -> `lease_lost`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class AppError(Exception):
    """Root of every error the service raises on purpose. `str(error)` is the sentence shown to the caller."""

    retry_after: int | None = None
    """Seconds for the `Retry-After` header."""
    fields: Sequence[FieldError] = ()
    """Faults of single fields, when the request was invalid."""

    @property
    def code(self) -> str:
        """The class name in snake case."""
        return snake_case(type(self).__name__)


class NotFound(AppError):
    """There is no such thing, or it belongs to another tenant."""

    noun: str | None = None
    """What it is called; None for what the class is named after."""

    def __init__(self, identifier: str) -> None:
        noun = self.noun or snake_case(type(self).__name__.removesuffix(NotFound.__name__)).replace("_", " ")
        super().__init__(f"there is no {noun} {identifier!r}")


class JobNotFound(NotFound):
    """There is no such job."""


class DriftNotFound(NotFound):
    """There is no such drift."""


class TicketNotFound(NotFound):
    """There is no such ticket."""


class AdapterNotFound(NotFound):
    """There is no such adapter."""


class LanguageDeltaNotFound(NotFound):
    """There is no such language delta."""


class PredictionNotFound(NotFound):
    """There is no such prediction."""


class AliasNotFound(NotFound):
    """There is no such alias."""


class KeyNotFound(NotFound):
    """There is no such key."""


class WebhookNotFound(NotFound):
    """There is no such webhook."""


class BlobNotFound(NotFound):
    """There is no such blob."""


class PairsNotKept(NotFound):
    """The adapter is there; the `answers` or `examples` of it that are asked for are not."""

    def __init__(self, what: str, adapter_id: str, why: str) -> None:
        AppError.__init__(self, f"there are no {what} of adapter {adapter_id!r}: {why}")


class RouteNotFound(NotFound):
    """The API has no such path."""

    noun = "path"


class NoAdapterForLanguage(NotFound):
    """The language has no ready adapter; a near one is offered, and never taken unasked."""

    def __init__(self, lang: str, ways_out: str = "train one: POST /adapters, or name a `fallback`") -> None:
        AppError.__init__(self, f"no adapter is ready for {lang!r}; {ways_out}")


class MethodNotAllowed(AppError):
    """The path exists, the method on it does not."""


class Conflict(AppError):
    """The request is right, the present state does not allow it."""


class JobFinished(Conflict):
    """A finished job cannot be cancelled."""


class InUse(Conflict):
    """Something else depends on it."""


class QuotaExceeded(Conflict):
    """The tenant keeps as many bytes, or has as many keys or webhooks, as it may."""


class NoTicket(Conflict):
    """No ticket is ready for the served backbone, and the request names none."""


class NotReadyYet(Conflict):
    """What the request refers to is not ready: its job is unfinished, failed, or was cancelled."""


class Invalid(AppError):
    """The request does not validate."""

    def __init__(self, message: str, *, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class InvalidRequest(Invalid):
    """The body, the query or a path parameter does not validate."""


class InvalidLanguage(Invalid):
    """Not a BCP-47 tag, nor an ISO 639-3 code, alone or with a script."""


class InvalidAlias(Invalid):
    """An alias name must match `[a-z][a-z0-9_-]*`."""


class InvalidReference(Invalid):
    """Not `lang`, `lang@version`, `lang@alias` or an id."""


class InvalidCursor(Invalid):
    """The cursor was not made by this service."""


class IdempotencyConflict(Invalid):
    """The same key came with another body."""


class Refused(AppError):
    """The request is turned away before it is read."""


class Unauthorized(Refused):
    """No valid key was sent."""


class Forbidden(Refused):
    """The key's scopes do not allow it."""


class ForbiddenHost(Refused):
    """Without authentication only `localhost`, `127.0.0.1` and `[::1]` are answered."""


class ForbiddenOrigin(Refused):
    """Without authentication no other web page may call the service."""


class RequestTimeout(Refused):
    """The body came too slowly."""


class BodyTooLarge(Refused):
    """The body is over the limit."""


class UnsupportedMediaType(Refused):
    """The body is of another media type than the route reads, or carries a Content-Encoding."""


class MalformedRequest(Refused):
    """What arrived is no HTTP request."""


class HeadTooLarge(Refused):
    """The request line and headers are over the limit."""


class Busy(AppError):
    """It may work later."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(Busy):
    """More pairs wait for the engine than it may hold."""


class TooManyJobs(Busy):
    """The tenant has as many unfinished jobs as it may."""


class RateLimited(Busy):
    """The key has used up its requests for now."""


class TooManyConnections(Busy):
    """As many connections are open as may be."""


class TooManyStreams(Busy):
    """As many event streams are open as one key, or one address, may have."""


class TooMuchAtOnce(Busy):
    """The bodies being read and answered take as much memory as they may."""


class TooManyUploads(Busy):
    """Files of the tenant that are on their way in or out take as much room as one tenant may have."""


class SpoolFull(Busy):
    """Files that are on their way in or out take as much room as they may."""


class ExportBusy(Busy):
    """This process makes another export, and makes one at a time."""


class ExportFailed(Busy):
    """The process that makes an export ended without one, as for want of memory."""


class NotReady(Busy):
    """The backbone is still being loaded, or the process is draining."""


class DatabaseUnavailable(Busy):
    """The database does not answer, and what the request needs is not known without it."""

    def __init__(self, message: str = "the database does not answer; try again in a moment") -> None:
        super().__init__(message, retry_after=5)


class Damaged(AppError):
    """What is stored is not what was stored."""


class CorruptBlob(Damaged):
    """A chunk's bytes do not match their SHA-256; the blob is quarantined and never served."""


class StorageFull(Damaged):
    """The disk or the database has no room left."""


class Fenced(AppError):
    """A job must stop and discard what it did."""


class LeaseLost(Fenced):
    """Another attempt owns the job now, or it has finished."""


class CancelRequested(Fenced):
    """A client asked for the job to be cancelled."""
