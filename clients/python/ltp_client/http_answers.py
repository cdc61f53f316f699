"""An HTTP answer as JSON, or as the error that it is."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ltp_client.address import shown
from ltp_client.errors import BY_STATUS, Error, Fault, NotAService, ProxyBusy, Refused

REDIRECTS = range(300, 400)
UNAVAILABLE = 503


def document(response: httpx.Response, url: str) -> dict[str, Any]:
    """The JSON object of an answer. Raises NotAService where there is none."""
    try:
        body = response.json()
    except ValueError as error:  # no JSON, or no text
        raise NotAService("not_a_service", f"what answers at {url} is not an LTP service") from error
    if not isinstance(body, dict):
        raise NotAService("not_a_service", f"what answers at {url} is not an LTP service")
    return body


def items_of(page: dict[str, Any], url: str) -> list[dict[str, Any]]:
    """The items of one page of a list. Raises NotAService where it is none."""
    items = page.get("items")
    if not isinstance(items, list):
        raise NotAService("not_a_service", f"what answers at {url} is not an LTP service")
    return items


def refusal(response: httpx.Response) -> Refused:
    """The service's own words about a refused call, or a proxy's status."""
    kind = BY_STATUS.get(response.status_code, Refused)
    told: dict[str, Any] = {"status": response.status_code, "retry_after": _retry_after(response)}
    try:
        body = response.json()
        fields = [Fault(path=str(each["path"]), message=str(each["message"])) for each in body.get("fields") or ()]
        return kind(str(body["error"]), str(body["detail"]), fields=fields, request_id=body.get("request_id"), **told)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        kind = ProxyBusy if response.status_code == UNAVAILABLE else kind
        said = f"{shown(str(response.request.url))} answered {response.status_code} {response.reason_phrase}"
        moved = response.headers.get("Location") if response.status_code in REDIRECTS else None
        return kind("http_error", f"{said}: it is at {moved} now" if moved else said, **told)


def is_refused(response: httpx.Response) -> bool:
    """Whether an answer is none: redirections are not followed, since a request with a key goes where it was sent."""
    return response.is_error or response.status_code in REDIRECTS


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from a number of them or, as proxies may write it, an HTTP date; None where neither stands there."""
    said = response.headers.get("Retry-After", "")
    try:
        seconds = float(said)
        return None if math.isnan(seconds) else max(0.1, seconds)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(said).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    left = (moment - datetime.now(timezone.utc)).total_seconds()
    return max(1.0, left)  # clocks differ: not at once, over and over


def malformed(what: str, reason: object) -> Error:
    """An answer of the service that is not what this release of the client reads."""
    detail = f"{what} is not as this client reads it; the service may be of another release: {reason}"
    return NotAService("unexpected_answer", detail)
