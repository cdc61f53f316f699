"""The service as the commands see it: the Python client's connection, with every error as a `Failure`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from app.cli.failure import Failure
from app.cli.in_options import in_options
from app.cli.read_settings import client_settings
from ltp import atomic_file
from ltp_client.errors import ConnectionLost, Error, NoService
from ltp_client.patience import Patience, Wait
from ltp_client.sync.connection import Connection
from ltp_client.uploads import upload

START = "Start one on this machine with `ltp serve`, or name another with --url."
HINTS = {
    "unsupported_proxy": "Unset it for this command, as with `env -u ALL_PROXY ltp ...`, or list the service's host in"
    " NO_PROXY.",
    "invalid_api_key": "It comes from --api-key or LTP_API_KEY; copy it once more.",
}
BUSY_WAIT_S = 120.0
"""How long a command waits for a service that answers 429 or 503 (a full queue, a backbone that is still loading)."""
TOLD_EVERY_S = 10.0


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
        patience = Patience(busy_s=busy_wait_s, connect_attempts=1, on_wait=WaitNotes())
        with failures():
            self.connection = Connection(url, api_key, patience=patience)
        self.url = self.connection.url

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def busy_wait_s(self) -> float:
        """How long a busy service is waited for."""
        return self.connection.patience.busy_s

    @busy_wait_s.setter
    def busy_wait_s(self, seconds: float) -> None:
        self.connection.patience.busy_s = seconds

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """One resource."""
        with failures():
            return self.connection.get(path, **query)

    def items(self, path: str, *, limit: int | None = None, **query: Any) -> list[dict[str, Any]]:
        """A list, newest first, page by page until `limit` or its end."""
        with failures():
            return list(self.connection.pages(path, limit=limit, **query))

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Set something to `body`."""
        with failures():
            return self.connection.put(path, body)

    def delete(self, path: str, **query: Any) -> None:
        """Remove one resource."""
        with failures():
            self.connection.delete(path, **query)

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        files: dict[str, Path] | None = None,
        key: str | None = None,
        repeatable: bool = True,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send JSON; or, with `files`, multipart with those and `body` as the part named `request`.

        What was sent before with the same idempotency `key` is not begun again. `repeatable`: see the connection.
        """
        uploads = None if files is None else {name: upload(file) for name, file in files.items()}
        with failures():
            return self.connection.post(path, body, files=uploads, key=key, repeatable=repeatable, headers=headers)

    def save(self, path: str, target: Path, *, wait_s: float | None = None, **query: Any) -> int:
        """Stream a download into `target`, which appears whole or not at all; returns its size in bytes.

        `wait_s` is for what the service takes long to make.
        """
        with failures(), atomic_file.new_file(target) as aside:
            return self.connection.save(path, aside, read_s=wait_s, **query)

    @contextlib.contextmanager
    def stream(self, path: str, **query: Any) -> Iterator[httpx.Response]:
        """An answer that is read as it comes."""
        with failures(), self.connection.stream(path, params=query) as response:
            yield response


class WaitNotes:
    """Tells the person at the keyboard that the service is waited for, the same thing every ten seconds at most."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, wait: Wait) -> None:
        """Say it, unless it was just said."""
        from app.cli.output import Output

        now = time.monotonic()
        if now - self._told.get(wait.because.code, -TOLD_EVERY_S) >= TOLD_EVERY_S:
            self._told[wait.because.code] = now
            Output(as_json=False).note(str(wait))


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn the client's errors into failures of a command."""
    try:
        yield
    except Error as error:
        raise failure_of(error) from error


def failure_of(error: Error) -> Failure:
    """The same for people at the keyboard: fields as options, and what to do in commands."""
    fields = [{"path": each["path"], "message": in_options(each["message"])} for each in error.fields]
    hint = HINTS.get(error.code, error.hint)
    if isinstance(error, NoService):
        where = f"The way there is the proxy {error.proxy} of the environment." if error.proxy else START
        hint = f"{where} ({error.reason})"
    elif isinstance(error, ConnectionLost):
        hint = "What was accepted goes on: ltp job list"
    return Failure(
        error.code,
        in_options(error.detail),
        hint=hint,
        fields=fields,
        request_id=error.request_id,
        passing=error.passing,
    )
