"""What a log holds after everything went right, wrong and very wrong: who did what, and not a word of it.

Every text, name, file, path, query and key that is sent carries a mark, and no line of any process may.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.raw_connection import RawConnection
from support.running_service import EXAMPLES, LINES, refused
from support.service_processes import Stack, wait_for

pytestmark = pytest.mark.process

MARK = "xqmarkedqx"
ADMIN_KEY = f"{MARK}-the-settings-own-key-of-32-characters"
PAIR = {"premise": f"the dog runs in the {MARK} field", "hypothesis": f"the dog is {MARK}"}
PAIRS = [{**pair, "premise": f"{MARK} {pair['premise']}"} for pair in EXAMPLES]


@dataclass
class Told:
    """A service, its log, and a client with the settings' key."""

    stack: Stack
    file: Path
    http: httpx.Client

    def lines(self) -> list[str]:
        return self.file.read_text("utf-8").splitlines()

    def entries(self, event: str, **about: Any) -> list[dict[str, Any]]:
        """Entries of one event in which these values stand."""
        found = (json.loads(line) for line in self.lines())
        return [entry for entry in found if entry["event"] == event and about.items() <= entry.items()]

    def watch(self, accepted: httpx.Response) -> str:
        """Follow a job to its end; return the status it ended with."""
        assert accepted.status_code == 202, accepted.text
        with self.http.stream("GET", f"{accepted.headers['Location']}/events") as response:
            last = [line for line in response.iter_lines() if line.startswith("data: ")][-1]
        return str(json.loads(last.removeprefix("data: "))["status"])

    def break_at(self, table: str, moment: str) -> None:
        """Have the database refuse something, as a broken constraint would."""
        with closing(sqlite3.connect(self.stack.settings.data_dir / "ltp.sqlite3")) as database:
            refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is broken'); END"
            database.execute(f"CREATE TRIGGER broken_{table} BEFORE {moment} ON {table} {refusal}")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Iterator[Told]:
    directory = tmp_path_factory.mktemp("logs")
    auth = {"auth": "on", "admin_key": ADMIN_KEY, "rate_limit": "off", "auth_failures": "off"}
    said = {"log_level": "debug", "log_format": "json"}
    stack = Stack(directory / "data", tiny_backbone_dir, max_attempts=1, **{**auth, **said}).migrate()
    bearer = {"Authorization": f"Bearer {ADMIN_KEY}"}
    with (directory / "log").open("wb") as log:
        stack.serve(log=log)
        url = f"http://127.0.0.1:{stack.settings.port}"
        with httpx.Client(base_url=url, headers=bearer, timeout=60, trust_env=False) as http:
            told = Told(stack, directory / "log", http)
            wait_for(lambda: told.entries("the backbone is loaded"), message="the service is not ready")
            yield told
        stack.close()


def adapter(lang: str) -> dict[str, Any]:
    """A training that needs no ticket."""
    return {"lang": lang, "name": MARK, "method": "pt", "examples": PAIRS, "training": {"epochs": 1, "batch_size": 8}}


def test_what_goes_right(told: Told) -> None:
    keyed = told.http.post("/adapters", json=adapter("sw"), headers={"Idempotency-Key": MARK})
    assert told.watch(keyed) == "succeeded"
    assert told.http.post("/predict", json={"lang": "sw", "pairs": [PAIR]}).status_code == 200
    file = (f"{MARK}.jsonl", json.dumps(PAIR) + "\n")
    request = (None, json.dumps({"lang": "sw"}))
    assert told.watch(told.http.post("/predictions", files={"file": file, "request": request})) == "succeeded"
    key = told.http.post("/keys", json={"name": MARK, "scopes": ["predict"]}).json()
    mine = {"Authorization": f"Bearer {key['secret']}"}
    assert told.http.post("/predict", json={"lang": "sw", "pairs": [PAIR]}, headers=mine).status_code == 200

    entry = told.entries("job accepted", request_id=keyed.headers["X-Request-ID"])
    (job,) = {each["job"] for each in entry}
    wait_for(lambda: told.entries("request", route="/predict", status=200, actor=f"key:{key['id']}"))
    assert told.entries("request", route="/predict", status=200, actor="admin", tenant="default", method="POST")
    assert told.entries("request", route="/jobs/{job_id}/events", status=200)
    assert told.entries("job process over", job=job, attempt=1)
    assert all({"ms", "request_id"} <= entry.keys() for entry in told.entries("request"))
    _nothing_of_it(told, key["secret"])


def test_what_is_refused(told: Told) -> None:
    http = told.http
    for path in (f"/{MARK}", f"/adapters/{MARK}", f"/jobs?cursor={MARK}", f"/jobs?{MARK}=1", f"/adapters?lang={MARK}"):
        assert http.get(path).status_code in (404, 422)
    bodies = [f'{{"{MARK}": "{MARK}', f'{{"lang": "{MARK}", "pairs": []}}', f'{{"pairs": [{{"premise": "{MARK}"}}]}}']
    for body in bodies:
        assert http.post("/predict", content=body, headers={"Content-Type": "application/json"}).status_code == 422
    assert http.post("/predict", json={"lang": f"sw@{MARK}", "pairs": [PAIR]}).status_code == 422
    assert http.put(f"/languages/sw/aliases/{MARK}", json={"version": 99}).status_code == 404
    wrong = (None, json.dumps({"lang": "sw"}))
    table = (f"{MARK}.csv", f"premise,hypothesis,label\n{MARK},{MARK},{MARK}\n")
    assert http.post("/adapters", files={"examples": table, "request": wrong}).status_code == 422
    assert http.post("/adapters", files={MARK: (MARK, MARK), "request": wrong}).status_code == 422
    assert http.post("/adapters/import", files={"file": (MARK, MARK * 99), "request": wrong}).status_code == 422
    for key in (f"ltp_{MARK}{'a' * 33}", MARK):
        refused(http.get("/jobs", headers={"Authorization": f"Bearer {key}"}), 401, "unauthorized")
    with RawConnection(told.stack.settings.port) as wire:
        refused(wire.send(f"GET /{MARK}\xff HTTP/1.1\r\n\r\n").answer(), 400, "malformed_request")
    with RawConnection(told.stack.settings.port) as wire:  # and leaves in the middle of it
        own = {"authorization": f"Bearer {ADMIN_KEY}", "content_type": "application/json", "content_length": "1000"}
        wire.head("POST", "/predict", **own).send(MARK)
    wait_for(lambda: told.entries("request", route="/predict", status=0))
    _nothing_of_it(told)


def test_what_goes_wrong(told: Told) -> None:
    told.break_at("adapters", "UPDATE OF version")
    assert told.watch(told.http.post("/adapters", json=adapter("es"))) == "failed"
    (entry,) = told.entries("attempt crashed", attempt=1)
    assert "IntegrityError" in entry["exception"]

    told.break_at("tickets", "INSERT")
    ticket = {"name": MARK, "corpus": {"texts": [f"{line} {MARK}" for line in LINES]}}
    failed = told.http.post("/tickets", json=ticket)
    refused(failed, 500, "internal_error")
    (entry,) = told.entries("request failed", request_id=failed.headers["X-Request-ID"])
    assert entry["route"] == "/tickets"
    assert "IntegrityError" in entry["exception"]
    _nothing_of_it(told)


def test_every_line_is_an_object_the_libraries_too(told: Told) -> None:
    entries = [json.loads(line) for line in told.lines()]
    assert all({"event", "level", "logger", "timestamp"} <= entry.keys() for entry in entries)
    assert {"app.http.middleware.request_log", "worker.runner", "uvicorn.error"} <= {
        entry["logger"] for entry in entries
    }


def _nothing_of_it(told: Told, *secrets: str) -> None:
    lines = told.lines()
    assert len(lines) > 10
    assert [line for line in lines for word in (MARK, *secrets) if word in line] == []
