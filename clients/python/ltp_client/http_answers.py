"""An HTTP answer as JSON, or as the error that it is."""

from __future__ import annotations

import json
from typing import Any

import httpx

from ltp_client.errors import BY_STATUS, Error, Fault, NotAService, Refused

REDIRECTS = range(300, 400)


def document(response: httpx.Response, url: str) -> dict[str, Any]:
    """The JSON object of an answer. Raises NotAService where there is none."""
    try:
        body = response.json()
    except ValueError as error:  # no JSON, or no text
        raise NotAService("not_a_service", f"what answers at {url} is not an LTP service") from error
    if not isinstance(body, dict):
        raise NotAService("not_a_service", f"what answers at {url} is not an LTP service")
    return body


def refusal(response: httpx.Response) -> Refused:
    """The service's own words about a refused call, or a proxy's status."""
    kind = BY_STATUS.get(response.status_code, Refused)
    told: dict[str, Any] = {"status": response.status_code, "retry_after": _retry_after(response)}
    try:
        body = response.json()
        fields = [Fault(path=str(each["path"]), message=str(each["message"])) for each in body.get("fields") or ()]
        return kind(str(body["error"]), str(body["detail"]), fields=fields, request_id=body.get("request_id"), **told)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        said = f"{response.request.url} answered {response.status_code} {response.reason_phrase}"
        moved = response.headers.get("Location") if response.status_code in REDIRECTS else None
        return kind("http_error", f"{said}: it is at {moved} now" if moved else said, **told)


def is_refused(response: httpx.Response) -> bool:
    """Whether an answer is none: redirections are not followed, since a request with a key goes where it was sent."""
    return response.is_error or response.status_code in REDIRECTS


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.1, float(response.headers.get("Retry-After", "")))
    except ValueError:  # there is none; or an HTTP date: the service never sends one, a proxy may
        return None


def malformed(what: str, reason: object) -> Error:
    """An answer of the service that is not what this release of the client reads."""
    detail = f"{what} is not as this client reads it; the service may be of another release: {reason}"
    return NotAService("unexpected_answer", detail)
