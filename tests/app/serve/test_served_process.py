"""The service as it is really run: `ltp serve` with its runner, from the first request to SIGTERM under load."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.running_service import EXAMPLES, LINES
from support.service_processes import Stack, wait_for

pytestmark = pytest.mark.process

PAIR = {"premise": "the dog runs in the field", "hypothesis": "the dog is sleeping"}


@pytest.fixture
def stack(tmp_path: Path, tiny_backbone_dir: Path) -> Iterator[Stack]:
    started = Stack(tmp_path / "data", tiny_backbone_dir, max_pairs=10_000, queue_pairs=100_000, max_wait_s=600)
    yield started
    started.close()


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.port}", timeout=60, trust_env=False) as client:
        yield client


def status(http: httpx.Client, path: str) -> int:
    with suppress(httpx.TransportError):
        return http.get(path).status_code
    return 0


def watched(http: httpx.Client, location: str) -> str:
    """Follow a job's events to the last one and return the status it names."""
    with http.stream("GET", f"{location}/events") as response:
        last = [line for line in response.iter_lines() if line.startswith("data: ")][-1]
    return str(json.loads(last.removeprefix("data: "))["status"])


def start(stack: Stack, http: httpx.Client) -> subprocess.Popen[bytes]:
    process = stack.serve()
    wait_for(lambda: status(http, "/healthz") == 200, message="the port does not answer")
    return process


def prepare(http: httpx.Client) -> None:
    """A ticket and an adapter, made by the runner."""
    wait_for(lambda: status(http, "/backbone") == 200)
    ticket = {"corpus": {"texts": LINES}, "mlm": {"epochs": 1, "batch_size": 8}, "active_ratio": 0.3}
    assert watched(http, http.post("/tickets", json=ticket).headers["Location"]) == "succeeded"
    adapter = {"lang": "en", "alias": "production", "examples": EXAMPLES, "training": {"epochs": 2}}
    assert watched(http, http.post("/adapters", json=adapter).headers["Location"]) == "succeeded"


def test_from_the_first_request_to_a_stop_under_load(stack: Stack, http: httpx.Client) -> None:
    process = start(stack, http)
    assert status(http, "/readyz") in (200, 503)
    prepare(http)
    wait_for(lambda: status(http, "/readyz") == 200)
    assert len(http.get("/workers").json()["items"]) == 1
    waiting = http.post("/tickets", json={"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1000}})

    streamed = threading.Event()

    def watch() -> None:
        with http.stream("GET", f"{waiting.headers['Location']}/events") as response:
            for _ in response.iter_lines():
                pass
        streamed.set()

    body = {"lang": "en", "pairs": [PAIR] * 400}
    with ThreadPoolExecutor(5) as pool:
        pool.submit(watch)
        answers = [pool.submit(http.post, "/predict", json=body) for _ in range(4)]
        wait_for(lambda: float(figure(http, "ltp_queue_pairs")) > 400)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert [answer.result(60).status_code for answer in answers] == [200] * 4, "accepted means answered"
        assert streamed.wait(15), "streams end"
    assert process.wait(30) == 0
    assert time.monotonic() - began < 30
    wait_for(lambda: not stack.processes(), message="every process is gone")


def figure(http: httpx.Client, name: str) -> str:
    return next(line.split()[-1] for line in http.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
