"""The clients of the HTTP benchmark count what came back, and its quantiles come from histograms."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.needs import PROCESS, needs

from bench.lines.http import quantile
from bench.load_clients import arrive, keep_asking, request


class _Answers(BaseHTTPRequestHandler):
    """200 to every body but the refused ones."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = b"refuse" in body
        self.send_response(429 if refused else 200)
        if b"refuse kindly" in body:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
        pass


@pytest.fixture
@needs(PROCESS)
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_clients_that_never_pause_send_everything_once(port: int) -> None:
    requests = [request("en", [(f"premise {number}", "hypothesis " * 500)]) for number in range(30)]
    tally = keep_asking(port, requests, clients=4, warmup=10)
    assert tally.statuses == {200: 20}
    assert len(tally.seconds) == 20
    assert 0 < max(tally.seconds) <= tally.took


def test_clients_that_come_by_chance_wait_for_a_connection_and_note_refusals(port: int) -> None:
    requests = [request("en", [(premise, "b")]) for premise in ("a", "refuse", "refuse kindly")]
    tally = arrive(port, requests, rate=300, seconds=0.5, most=2)
    assert 60 < tally.statuses.total() < 300
    assert set(tally.statuses) == {200, 429}
    assert abs(tally.statuses[429] - 2 * tally.speechless) <= 1


def test_a_quantile_lies_in_its_bucket() -> None:
    before = {'lag_bucket{le="0.01"}': 5.0, 'lag_bucket{le="0.02"}': 5.0, 'lag_bucket{le="+Inf"}': 5.0}
    after = {'lag_bucket{le="0.01"}': 95.0, 'lag_bucket{le="0.02"}': 104.0, 'lag_bucket{le="+Inf"}': 105.0}
    assert quantile(before, after, "lag", 0.45) == pytest.approx(0.005)
    assert quantile(before, after, "lag", 0.99) == pytest.approx(0.02)
    assert math.isinf(quantile(before, after, "lag", 0.999))
