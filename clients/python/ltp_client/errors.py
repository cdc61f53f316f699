"""What can go wrong, as classes.

Error
  InvalidConnection     an address, key, proxy or certificates that cannot be used
  ServiceAway           nobody answered; it may be different in a moment
    NoService           nothing listens there
    ConnectionLost      the connection broke; what was accepted goes on
  NotAService           what answers is no LTP service
    NotAStream          something on the way does not pass event streams
  Refused               the service said no; `code`, `detail`, `fields` and `request_id` are its own words
    InvalidRequest      400, 413, 415, 422: the request cannot be taken as it is; `fields` says where
    NotAuthenticated    401
    Forbidden           403
    NotFound            404
    Conflict            409
    Busy                429, 503: a queue is full, the backbone is being loaded; `retry_after` says when
      ProxyBusy         503 of a proxy: whether the request came through is not known
    BadGateway          502, 504 of a proxy: the same
  JobFailed             the job has no result
    JobCancelled        because somebody cancelled it
  StillRunning          it was not waited for any longer; the job goes on
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict


class Fault(TypedDict):
    """One fault of a request: the path of the field, and what would be right."""

    path: str
    message: str


class Error(Exception):
    """Something did not work. `str` is a sentence; `code` is for programs, `hint` says what to try."""

    passing = False
    """Whether the same may work in a moment."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str | None = None,
        fields: Sequence[Fault] = (),
        request_id: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint = code, detail, hint
        self.fields = list(fields)
        self.request_id, self.status, self.retry_after = request_id, status, retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied, and sent to another process: as what it says."""
        return Exception.__new__, (type(self), self.detail), self.__dict__

    def __str__(self) -> str:
        lines = [self.detail, *(f"  {each['path']}: {each['message']}" for each in self.fields)]
        return "\n".join([*lines, *([self.hint] if self.hint else [])])


class InvalidConnection(Error):
    """An address, a key, a proxy or certificates that cannot be used."""


class ServiceAway(Error):
    """Nobody answered."""

    passing = True


class NoService(ServiceAway):
    """Nothing listens at the address."""

    def __init__(self, url: str, reason: str, *, proxy: str | None = None) -> None:
        there = f"The way there is the proxy {proxy} of the environment. " if proxy else ""
        super().__init__("no_service", f"no service answers at {url}", hint=f"{there}({reason})")
        self.proxy, self.reason = proxy, reason


class ConnectionLost(ServiceAway):
    """The connection broke while something was asked."""


class NotAService(Error):
    """What answers at the address is something else."""


class NotAStream(NotAService):
    """Something on the way to the service does not pass event streams."""


class Refused(Error):
    """The service said no, or a proxy before it did."""


class InvalidRequest(Refused):
    """The request cannot be taken as it is; `fields` says where."""


class NotAuthenticated(Refused):
    """No valid key was sent."""


class Forbidden(Refused):
    """The key lacks the scope; or without authentication the host is a foreign one."""


class NotFound(Refused):
    """There is no such thing here."""


class Conflict(Refused):
    """The present state does not allow it."""


class Busy(Refused):
    """Not now: a queue is full, a limit is used up, or the service is not ready yet."""

    passing = True


class ProxyBusy(Busy):
    """What a proxy answers that has no service to ask, or lost the one that it asked."""


class BadGateway(Refused):
    """What a proxy answers while a process of the service is replaced."""

    passing = True


class JobFailed(Error):
    """A job ended without a result; `code` says why."""


class JobCancelled(JobFailed):
    """Somebody cancelled the job."""


class StillRunning(Error):
    """The job was not finished in the time that it was waited for; it goes on."""


BY_STATUS: dict[int, type[Refused]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: Busy,
    502: BadGateway,
    503: Busy,
    504: BadGateway,
}
