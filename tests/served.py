"""The API as a real server on a real socket: uvicorn in a thread, SQLite, the tiny backbone."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings


class Service:
    """One running service. `http` is a client of it; `app` is for looking behind it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app: FastAPI = create_app(settings)
        self.server = uvicorn.Server(
            uvicorn.Config(self.app, port=0, log_level="warning", timeout_graceful_shutdown=20)
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> None:
        self.thread.start()
        wait_until(lambda: self.server.started, 20)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def stop(self) -> None:
        self.http.close()
        self.server.should_exit = True
        self.thread.join(30)

    def wait_ready(self) -> None:
        wait_until(lambda: self.http.get("/readyz").status_code == 200, 60)


def wait_until(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def running(settings: Settings) -> Iterator[Service]:
    service = Service(settings)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def settings_for(directory: Path, template: Path, backbone: Path, **changes: object) -> Settings:
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, directory / "ltp.sqlite3")
    values: dict[str, object] = {"data_dir": directory, "backbone": str(backbone), "max_pairs": 10_000, **changes}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check a refusal's shape and return its body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["error"]) == (status, code), body
    assert {"error", "detail", "request_id"} <= set(body) <= {"error", "detail", "request_id", "fields"}
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert len(body["detail"]) > 10
    return body
