"""Connections that are held without being used, used wrongly, or too many: each comes to an end, most with a word."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from support.raw_connection import RawConnection
from support.running_service import Service, refused, running, settings_for, wait_until

from app.http.body_memory import LARGEST_AT_ONCE
from app.http.security_headers import NOTHING, SECURITY
from app.settings import MIB

pytestmark = pytest.mark.process

LIMIT = 12
BODY = b'{"lang": "sw", "pairs": [{"premise": "a", "hypothesis": "b"}], "why": "%s"}'
ASSET = "/docs/assets/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    """A service that is patient for half a second and no longer."""
    directory = tmp_path_factory.mktemp("strict") / "data"
    settings = settings_for(
        directory,
        migrated_sqlite,
        tiny_backbone_dir,
        header_timeout_s=0.5,
        upload_grace_s=0.5,
        upload_min_kib_s=4,
        max_connections=LIMIT,
        max_address_connections=LIMIT,
    )
    with running(settings) as started:
        yield started


@pytest.fixture
def wire(strict: Service) -> Iterator[RawConnection]:
    with RawConnection(strict.port) as client:
        yield client


def secured(answer: httpx.Response) -> bool:
    return {name: answer.headers.get(name) for name in SECURITY} == SECURITY and "Server" not in answer.headers


def answering(service: Service) -> int:
    """Connections on which an answer is under way."""
    return sum(1 for connection in service.server._connections if not connection._idle)


def test_who_says_nothing_is_not_kept(wire: RawConnection) -> None:
    assert wire.is_closed()


@pytest.mark.parametrize(
    "bytes_", [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 200, b"\r\n" * 100]
)
def test_a_head_that_does_not_end_is_not_waited_for(wire: RawConnection, bytes_: bytes) -> None:
    assert wire.send_slowly(bytes_) < len(bytes_)
    assert wire.is_closed()


@pytest.mark.parametrize("bytes_", [b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"x" * 200, b"\r\n" * 100])
def test_nor_is_a_second_one(wire: RawConnection, bytes_: bytes) -> None:
    assert wire.head("GET", "/healthz").answer().status_code == 200
    assert wire.send_slowly(bytes_) < len(bytes_)
    assert wire.is_closed()


def test_a_body_a_byte_at_a_time_is_answered_408_and_closed(wire: RawConnection) -> None:
    body = BODY % (b"x" * 200)
    wire.head("POST", "/predict", content_type="application/json", content_length=str(len(body)))
    assert wire.send_slowly(body) < len(body)
    answer = wire.answer()
    refused(answer, 408, "request_timeout")
    assert "4 KiB/s" in answer.json()["detail"]
    assert answer.headers["Connection"] == "close"
    assert wire.is_closed()


@pytest.mark.parametrize("path", ["/tickets", "/adapters/import"])
def test_so_is_a_file_in_chunks_of_a_byte(wire: RawConnection, path: str) -> None:
    wire.head("POST", path, content_type="multipart/form-data; boundary=b", transfer_encoding="chunked")
    part = b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{' + b" " * 200
    sent = wire.send_slowly(b"".join(b"1\r\n%c\r\n" % byte for byte in part), size=6)
    assert sent < 6 * len(part)
    refused(wire.answer(), 408, "request_timeout")
    assert wire.is_closed()


def test_a_body_that_keeps_coming_may_take_longer(wire: RawConnection) -> None:
    body = BODY % (b"x" * 24_000)
    wire.head("POST", "/predict", content_type="application/json", content_length=str(len(body)))
    assert wire.send_slowly(body, size=2_000) == len(body)  # more than a second of it, at twenty kilobytes a second
    assert refused(wire.answer(), 422, "invalid_request")["fields"][0]["path"] == "why"
    assert wire.head("GET", "/healthz").answer().status_code == 200


def test_a_body_that_nobody_reads_may_end_but_not_go_on_for_ever(strict: Service, wire: RawConnection) -> None:
    wire.head("POST", "/nowhere", content_length="20")
    refused(wire.answer(), 404, "route_not_found")
    wire.send(b"x" * 20)
    wire.head("POST", "/nowhere", content_length="1000")
    refused(wire.answer(), 404, "route_not_found")
    assert wire.send_slowly(b"x" * 1000) < 1000
    assert wire.is_closed()


def test_who_does_not_read_an_answer_is_left(strict: Service) -> None:
    with RawConnection(strict.port, receive_buffer=4096) as wire:
        wire.head("GET", ASSET)
        wait_until(lambda: answering(strict) == 1, 20)
        wait_until(lambda: answering(strict) == 0, 20)
        received = 0
        with suppress(ConnectionResetError):
            while data := wire.socket.recv(65536):
                received += len(data)
    assert 0 < received < int(strict.http.head(ASSET).headers["Content-Length"])


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_in_the_usual_shape(wire: RawConnection, said: bytes) -> None:
    answer = wire.send(said).answer()
    refused(answer, 400, "malformed_request")
    assert secured(answer)
    assert wire.is_closed()


def test_a_head_that_is_too_large_is_refused(wire: RawConnection) -> None:
    wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: ", "x" * 90_000)
    refused(wire.answer(), 431, "head_too_large")
    assert wire.is_closed()


def test_requests_sent_ahead_are_answered_in_order_up_to_a_number(wire: RawConnection) -> None:
    request = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: n%d\r\n\r\n"
    wire.send(*(request % number for number in range(10)))
    with wire.socket.makefile("rb") as answers:
        seen = []
        while len(seen) < 10:
            line = answers.readline()
            if line.lower().startswith(b"x-request-id: "):
                seen.append(line.split()[1])
    assert seen == [b"n%d" % number for number in range(10)]
    wire.send(request % 0 * 200)
    answered = 0
    with suppress(ConnectionResetError):
        while data := wire.socket.recv(65536):
            answered += data.count(b"HTTP/1.1 ")
    assert answered < 200


def test_a_strangers_body_is_not_read(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, auth="on")
    bodies = {
        "/tickets": "multipart/form-data; boundary=b",
        "/predict": "application/json",
        "/keys": "application/json",
    }
    with running(settings) as service:
        for path, kind in bodies.items():
            with RawConnection(service.port) as wire:
                wire.head("POST", path, content_type=kind, content_length=str(2**40))
                refused(wire.answer(), 401, "unauthorized")


def test_an_upgrade_is_not_taken_up(wire: RawConnection) -> None:
    for upgrade in ("websocket", "h2c"):
        answer = wire.head("GET", "/healthz", connection="Upgrade", upgrade=upgrade).answer()
        assert answer.status_code == 200
    assert wire.head("GET", "/version").answer().status_code == 200


def test_one_connection_too_many_is_told_so_but_probes_are_answered(strict: Service) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(RawConnection(strict.port)) for _ in range(LIMIT)]
        for wire in held:
            wire.head("POST", "/predict", content_type="application/json", content_length="9")
        wait_until(lambda: len(strict.server.server_state.connections) >= LIMIT, 10)
        surplus = [stack.enter_context(RawConnection(strict.port)) for _ in range(3)]
        answer = surplus[0].head("GET", "/version").answer()
        refused(answer, 503, "too_many_connections")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Connection"] == "close"
        assert surplus[0].is_closed()
        assert surplus[1].head("GET", "/healthz").answer().status_code == 200
        assert surplus[2].head("GET", "/readyz").answer().status_code in (200, 503)
        unheard = [stack.enter_context(RawConnection(strict.port)) for _ in range(2 * LIMIT)]
        assert unheard[-1].is_closed()
    wait_until(lambda: strict.http.get("/version").status_code == 200, 10)


def test_idle_connections_make_room(strict: Service) -> None:
    with ExitStack() as stack:
        for _ in range(2 * LIMIT):
            wire = stack.enter_context(RawConnection(strict.port))
            assert wire.head("GET", "/version").answer().status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("PATCH", "/jobs", 405),
        ("GET", "/jobs?limit=0", 422),
        ("POST", "/predict", 415),
        ("GET", "/docs/assets/nothing.js", 404),
    ],
)
def test_every_answer_carries_the_headers_and_none_says_what_serves_it(
    strict: Service, method: str, path: str, status: int
) -> None:
    response = strict.http.request(method, path)
    assert response.status_code == status
    assert secured(response)
    strange = strict.http.request(method, path, headers={"Host": "evil.example"})
    assert strange.status_code == 403
    assert secured(strange)


def test_the_documentation_page_may_load_its_own_files_and_nothing_else(strict: Service) -> None:
    page = strict.http.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert policy.startswith(NOTHING)
    (inline,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert directives["script-src"] == f"'self' 'sha256-{digest}'"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3
    for path in loaded:
        asset = strict.http.get(path)
        assert asset.status_code == 200
        assert asset.headers["Cache-Control"] == "no-cache"
        again = strict.http.get(path, headers={"If-None-Match": asset.headers["ETag"]})
        assert again.status_code == 304
    assert json.loads(strict.http.get("/openapi.json").text)


def test_bodies_in_memory_are_bounded_together_and_files_are_not_among_them(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, max_body_mb=1)
    body = (BODY % (b" " * MIB))[: MIB - 1]
    with running(settings) as service, ExitStack() as stack:
        memory = service.app.state.body_memory
        for _ in range(LARGEST_AT_ONCE):
            wire = stack.enter_context(RawConnection(service.port))
            wire.head("POST", "/predict", content_type="application/json", content_length=str(MIB)).send(body)
        wait_until(lambda: memory.taken == LARGEST_AT_ONCE * len(body), 20)
        with RawConnection(service.port) as wire:
            wire.head("POST", "/predict", content_type="application/json", content_length=str(MIB)).send(body)
            answer = wire.answer()
            refused(answer, 503, "too_much_at_once")
            assert int(answer.headers["Retry-After"]) >= 1
        with RawConnection(service.port) as wire:
            wire.head("POST", "/tickets", content_type="multipart/form-data; boundary=b", transfer_encoding="chunked")
            part = b'--b\r\nContent-Disposition: form-data; name="corpus"\r\n\r\n' + b" " * MIB + b"\r\n--b--\r\n"
            wire.send(f"{len(part):x}\r\n", part, "\r\n0\r\n\r\n")
            refused(wire.answer(), 422, "invalid_request")
        stack.close()
        wait_until(lambda: memory.taken == 0, 20)
