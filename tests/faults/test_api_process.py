"""`ltp api` against clients that upload too much or too slowly, and SIGTERM under load: the last test ends it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from support.raw_connection import RawConnection
from support.running_service import refused
from support.service_processes import Stack, wait_for

from app import jobs
from app.settings import MIB
from worker.job import attempt_job

pytestmark = pytest.mark.process

MOST_GROWTH = 24 * MIB
"""What a process may need for a moment while hundreds of MiB are thrown at it."""
PREDICTION = {"lang": "sw", "pairs": [{"premise": "the dog runs in the field", "hypothesis": "the dog runs"}] * 64}


@dataclass
class Running:
    """One `ltp api` on SQLite, ready to predict."""

    stack: Stack
    process: subprocess.Popen[bytes]
    http: httpx.Client

    @property
    def port(self) -> int:
        return self.stack.settings.port

    def forget_peak(self) -> int:
        """Make the present resident bytes the peak, and return them."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def status(self, path: str) -> int:
        with suppress(httpx.TransportError):
            return self.http.get(path).status_code
        return 0


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("api") / "data"
    settings = {"max_body_mb": 1, "max_corpus_mb": 64, "upload_grace_s": 1.5, "upload_min_kib_s": 64, "drain_s": 1.5}
    stack = Stack(directory, tiny_backbone_dir, queue_pairs=100_000, max_wait_s=600, **settings).migrate()
    process = stack.api(port=stack.settings.port)
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.settings.port}", timeout=60, trust_env=False) as http:
        running = Running(stack, process, http)
        wait_for(lambda: running.status("/readyz") == 200, message="the API is not ready")
        yield running
    stack.close()


def pour(wire: RawConnection, start: bytes, *, mib: int) -> float:
    """Send chunks until the service answers or `mib` are sent; return how many went."""
    block = b" " * (MIB // 4)
    wire.send(b"%x\r\n" % len(start), start, b"\r\n")
    for number in range(4 * mib):
        if wire.has_answered():
            return number / 4
        with suppress(OSError):
            wire.send(b"%x\r\n" % len(block), block, b"\r\n")
    return mib


def test_too_large_a_body_is_refused_and_needs_no_memory(api: Running) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="corpus"; filename="c.txt"\r\n\r\n'
    multipart = {"content_type": "multipart/form-data; boundary=b"}
    before = api.forget_peak()
    with RawConnection(api.port) as wire:
        wire.head("POST", "/predict", content_type="application/json", content_length=str(200 * MIB))
        refused(wire.answer(), 413, "body_too_large")
    with RawConnection(api.port) as wire:
        wire.head("POST", "/predict", content_type="application/json", transfer_encoding="chunked")
        assert pour(wire, b"{", mib=200) < 200
        refused(wire.answer(), 413, "body_too_large")
    with RawConnection(api.port) as wire:
        wire.head("POST", "/tickets", transfer_encoding="chunked", **multipart)
        assert 64 <= pour(wire, part, mib=200) < 200
        refused(wire.answer(), 413, "body_too_large")
    with RawConnection(api.port) as wire:  # a client that goes on may send for a moment, and what it sends is dropped
        wire.head("POST", "/tickets", content_length=str(MIB * MIB), **multipart)
        with suppress(OSError):
            while True:
                wire.send(b" " * MIB)
    growth = api.peak() - before
    print(f"resident before {before // MIB} MiB, growth at most {growth / MIB:.1f} MiB")  # noqa: T201
    assert growth < MOST_GROWTH
    assert not list((api.stack.settings.data_dir / "uploads").iterdir()), "nothing of it is left on the disk"


def test_a_byte_a_second_is_no_upload(api: Running) -> None:
    before = api.forget_peak()
    with ExitStack() as stack:
        wires = [stack.enter_context(RawConnection(api.port)) for _ in range(60)]
        for number, wire in enumerate(wires):
            path, kind = [
                ("/predict", "application/json"),
                ("/tickets", "multipart/form-data; boundary=b"),
                ("/adapters/import", "multipart/form-data; boundary=b"),
            ][number % 3]
            wire.head("POST", path, content_type=kind, content_length="1000")
        for _ in range(3):
            for wire in wires:
                if not wire.has_answered():
                    wire.send(b"-")
            time.sleep(1)
        for wire in wires:
            answer = wire.answer()
            refused(answer, 408, "request_timeout")
            assert answer.headers["Connection"] == "close"
            assert wire.is_closed()
    assert api.peak() - before < MOST_GROWTH
    assert api.status("/healthz") == 200


@dataclass
class Seen:
    """What clients saw of a service that was told to leave, in order."""

    answers: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unready: threading.Event = field(default_factory=threading.Event)


def ask_until_nobody_listens(port: int, seen: Seen) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
        while True:
            try:
                response = http.post("/predict", json=PREDICTION)
            except httpx.ConnectError:
                if not seen.unready.is_set():
                    seen.faults.append("deaf before it was unready")
                return
            except httpx.HTTPError as error:
                seen.faults.append(repr(error))
                return
            seen.answers.append(response.status_code)


def test_sigterm_under_load_drops_no_accepted_request_and_is_unready_first(api: Running) -> None:
    make_adapter(api.stack)
    assert api.http.post("/predict", json=PREDICTION).status_code == 200
    seen = Seen()
    with ThreadPoolExecutor(12) as pool:
        clients = [pool.submit(ask_until_nobody_listens, api.port, seen) for _ in range(12)]
        wait_for(lambda: len(seen.answers) > 50)
        api.process.send_signal(signal.SIGTERM)
        refused(api.http.get("/readyz"), 503, "not_ready")
        seen.unready.set()
        before = len(seen.answers)
        for client in clients:
            client.result(60)
    print(f"{len(seen.answers)} answers, {len(seen.answers) - before} of them after SIGTERM")  # noqa: T201
    assert seen.faults == []
    assert set(seen.answers) == {200}
    assert len(seen.answers) > before
    assert api.process.wait(30) == 0


def make_adapter(stack: Stack) -> None:
    """Train here and now, with what a worker's process runs."""
    stack.submit_adapter(lang="sw", epochs=1)
    with stack.db.write() as session:
        claim = jobs.claim(session, owner="test", lease_s=600)
    assert claim is not None
    assert attempt_job(stack.settings, stack.db, claim) == 0
