"""The service over HTTP, as the commands see it: dictionaries in, dictionaries out, and every refusal a `Failure`."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_result, stop_before_delay

from app.cli.failure import Failure
from app.cli.http_client import open_client, proxy_to
from app.cli.in_options import in_options
from app.cli.read_settings import client_settings
from ltp import atomic_file

PAGE = 200
START = "Start one on this machine with `ltp serve`, or name another with --url."
BUSY_WAIT_S = 120.0
"""How long a command waits for a service that answers 429 or 503 (a full queue, a backbone that is still loading)."""
ATTEMPTS = 3
BUSY = {429, 503}
PASSING = BUSY | {502, 504}
"""What a service, or a proxy before it, answers while one of its processes is replaced."""


@contextlib.contextmanager
def connect(url: str | None, api_key: str | None) -> Iterator[Client]:
    """A client for `--url` and `--api-key`, or what the settings say."""
    settings = client_settings()
    key = api_key or (settings.api_key.get_secret_value() if settings.api_key else None)
    with Client(url or settings.url, key) as client:
        yield client


class Client:
    """One service. Starting work is safe to repeat: each call carries an idempotency key of its own."""

    def __init__(self, url: str, api_key: str | None = None, *, busy_wait_s: float = BUSY_WAIT_S) -> None:
        self.url = (url if "://" in url else f"http://{url}").rstrip("/")
        self.busy_wait_s = busy_wait_s
        self.http = open_client(self.url, api_key)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """One resource."""
        return self._json(self._ask("GET", path, params=_present(query)))

    def items(self, path: str, *, limit: int | None = None, **query: Any) -> list[dict[str, Any]]:
        """A list, newest first, page by page until `limit` or its end."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            wanted = PAGE if limit is None else min(PAGE, limit - len(items))
            page = self.get(path, **query, limit=wanted, cursor=cursor)
            items += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                break
        return items

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Set something to `body`."""
        return self._json(self._ask("PUT", path, json=body))

    def delete(self, path: str) -> None:
        """Remove one resource."""
        self._ask("DELETE", path)

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        files: dict[str, Path] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Send JSON; or, with `files`, multipart with those and `body` as the part named `request`.

        What was sent before with the same idempotency `key` is not begun again.
        """
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        if files is None:
            return self._json(self._ask("POST", path, headers=headers, json=body))
        return self._json(self._ask("POST", path, headers=headers, upload=(body or {}, files)))

    def save(self, path: str, target: Path) -> int:
        """Stream a download into `target`, which appears whole or not at all; returns its size in bytes."""
        with self.stream(path) as response, atomic_file.new_content(target) as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
        return target.stat().st_size

    @contextlib.contextmanager
    def stream(self, path: str, headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """An answer that is read as it comes."""
        with self._reachable(), self.http.stream("GET", path, headers=headers) as response:
            if response.is_error:
                response.read()
                raise refusal(response)
            yield response

    def _ask(
        self,
        method: str,
        path: str,
        *,
        upload: tuple[dict[str, Any], dict[str, Path]] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Send, waiting while the service is busy and trying again when the connection breaks."""

        def send() -> httpx.Response:
            with self._reachable(), ExitStack() as open_files:
                sent = request if upload is None else request | _multipart(*upload, open_files)
                return self.http.request(method, path, **sent)

        response = self._retrying()(send)
        if response.is_error:
            raise refusal(response)
        return response

    def _retrying(self) -> Retrying:
        """Repeat what was lost ATTEMPTS times at most, and what a busy service refused for `busy_wait_s` at most."""
        waited_enough = stop_before_delay(self.busy_wait_s)

        def stop(state: RetryCallState) -> bool:
            lost = state.outcome is not None and state.outcome.failed
            return state.attempt_number >= ATTEMPTS if lost else waited_enough(state)

        def wait(state: RetryCallState) -> float:
            outcome = state.outcome
            if outcome is None or outcome.failed:
                return float(state.attempt_number)
            return _retry_after(outcome.result())

        return Retrying(
            retry=retry_if_exception(_is_lost) | retry_if_result(_is_busy),
            stop=stop,
            wait=wait,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        """Say in words what httpx means."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            proxy = proxy_to(self.url)
            where = f"The way there is the proxy {proxy} of the environment." if proxy else START
            hint = f"{where} ({error})"
            raise Failure("no_service", f"no service answers at {self.url}", hint=hint) from error
        except httpx.TransportError as error:
            detail = f"the connection to {self.url} broke: {error or type(error).__name__}"
            raise Failure("connection_lost", detail, hint="What was accepted goes on: ltp job list") from error

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except json.JSONDecodeError as error:
            raise Failure("not_a_service", f"what answers at {self.url} is not an LTP service") from error
        if not isinstance(body, dict):
            raise Failure("not_a_service", f"what answers at {self.url} is not an LTP service")
        return body


def refusal(response: httpx.Response) -> Failure:
    """The API's own words about a refused call, or a proxy's status."""
    passing = response.status_code in PASSING
    try:
        body = response.json()
        fields = [field | {"message": in_options(str(field.get("message", "")))} for field in body.get("fields") or ()]
        request_id = body.get("request_id")
        detail = in_options(body["detail"])
        return Failure(body["error"], detail, fields=fields, request_id=request_id, passing=passing)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        words = f"{response.request.url} answered {response.status_code} {response.reason_phrase}"
        return Failure("http_error", words, passing=passing)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, Failure) and error.code == "connection_lost"


def _is_busy(response: httpx.Response) -> bool:
    return response.status_code in BUSY


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.1, float(response.headers.get("Retry-After", 1)))
    except ValueError:  # an HTTP date: the service never sends one, a proxy may
        return 1.0


def _present(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _multipart(body: dict[str, Any], files: dict[str, Path], open_files: ExitStack) -> dict[str, Any]:
    parts: dict[str, Any] = {"request": (None, json.dumps(body), "application/json")}
    for name, path in files.items():
        parts[name] = (path.name, open_files.enter_context(path.open("rb")), "application/octet-stream")
    return {"files": parts}
