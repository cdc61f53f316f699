"""The API as a real server on a real socket: the server in a thread, SQLite, the tiny backbone."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app import jobs
from app.main import create_app
from app.serve.server import Server
from app.settings import Settings
from app.storage.circuit_breaker import Clock
from worker.job import attempt_job

LINES = [
    f"the {who} {what} in the {where}"
    for who in ("dog", "cat", "man")
    for what in ("runs", "eats")
    for where in ("house", "field", "market")
]
EXAMPLES = [
    {"premise": f"the {who} runs in the {where}", "hypothesis": hypothesis, "label": label}
    for who in ("dog", "horse")
    for where in ("field", "road", "market")
    for hypothesis, label in ((f"the {who} runs", 0), (f"the {who} is red", 1), (f"the {who} is sleeping", 2))
]


class Service:
    """One running service. `http` is a client of it; `app` is for looking behind it."""

    def __init__(self, settings: Settings, *, clock: Clock = time.monotonic) -> None:
        self.settings = settings
        self.app: FastAPI = create_app(settings, clock=clock)
        port = settings.port if "port" in settings.model_fields_set else 0
        self.server = Server(self.app, settings.model_copy(update={"port": port}))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> None:
        self.thread.start()
        wait_until(lambda: self.server.started, 120)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def stop(self) -> None:
        self.http.close()
        self.server.should_exit = True
        self.thread.join(30)

    def wait_ready(self) -> None:
        wait_until(lambda: self.http.get("/readyz").status_code == 200, 240)

    def work(self) -> None:
        """Do every queued job, here and now, with the code a worker's process runs."""
        db = self.app.state.db
        while True:
            with db.write() as session:
                claimed = jobs.claim(session, owner="test", lease_s=600)
            if claimed is None:
                return
            assert attempt_job(self.settings, db, claimed) == 0

    def make_ticket(self, **request: Any) -> dict[str, Any]:
        """A ready ticket from a real, tiny MLM run."""
        body = {"corpus": {"texts": LINES}, "mlm": {"epochs": 1, "batch_size": 8}, "active_ratio": 0.3, **request}
        accepted = self.http.post("/tickets", json=body)
        assert accepted.status_code == 202, accepted.text
        self.work()
        ticket: dict[str, Any] = self.http.get(f"/tickets/{accepted.json()['ticket']['id']}").json()
        assert ticket["status"] == "ready", self.http.get(accepted.headers["Location"]).text
        return ticket

    def train(self, lang: str, **request: Any) -> dict[str, Any]:
        """A ready adapter from a real, tiny training."""
        training = {"epochs": 1, "learning_rate": 1e-3, **request.pop("training", {})}
        body = {"lang": lang, "examples": EXAMPLES, "training": training, **request}
        accepted = self.http.post("/adapters", json=body)
        assert accepted.status_code == 202, accepted.text
        self.work()
        adapter: dict[str, Any] = self.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
        assert adapter["status"] == "ready", self.http.get(accepted.headers["Location"]).text
        return adapter

    def adapt(self, lang: str, **request: Any) -> dict[str, Any]:
        """A ready language delta from a real, tiny MLM run."""
        body = {"corpus": {"texts": LINES}, "mlm": {"epochs": 1, "batch_size": 8}, **request}
        accepted = self.http.post(f"/languages/{lang}/text", json=body)
        assert accepted.status_code == 202, accepted.text
        self.work()
        made: dict[str, Any] = self.http.get(f"/language-deltas/{accepted.json()['language_delta']['id']}").json()
        assert made["status"] == "ready", self.http.get(accepted.headers["Location"]).text
        return made

    def export(self, lang: str = "en") -> bytes:
        """The production adapter of a language as one file."""
        (adapter, *_) = self.http.get("/adapters", params={"lang": lang, "alias": "production"}).json()["items"]
        response = self.http.get(f"/adapters/{adapter['id']}/export")
        assert response.status_code == 200, response.text
        return response.content

    def bring_in(self, exported: bytes, **request: Any) -> httpx.Response:
        """Import a file."""
        files = {"file": ("exported.safetensors", exported), "request": (None, json.dumps(request))}
        return self.http.post("/adapters/import", files=files)


def wait_until(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def running(settings: Settings, *, clock: Clock = time.monotonic) -> Iterator[Service]:
    service = Service(settings, clock=clock)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def settings_for(directory: Path, template: Path, backbone: Path, **changes: object) -> Settings:
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, directory / "ltp.sqlite3")
    values: dict[str, object] = {
        "data_dir": directory,
        "backbone": str(backbone),
        "max_pairs": 10_000,
        "auth": "off",
        "precision": "fp32",  # what a measurement chooses is not the same each time
        "max_wait_s": 600,  # how fast the machine is, neither
        **changes,
    }
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check a refusal's shape and return its body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["error"]) == (status, code), body
    assert {"error", "detail", "request_id"} <= set(body) <= {"error", "detail", "request_id", "fields"}
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert len(body["detail"]) > 10
    return body
