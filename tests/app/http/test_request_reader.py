"""Every byte of a request is counted by somebody, and nothing that comes after a body has a meaning."""

from __future__ import annotations

import itertools
import json
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.raw_connection import RawConnection
from support.registry_rows import make_ticket
from support.running_service import Service, refused, running, settings_for, wait_until
from support.service_with_keys import ADMIN_KEY, UNLIMITED, bearer

from app.http.request_reader import MAX_HEAD
from app.settings import MIB

pytestmark = pytest.mark.process

TICKET = json.dumps({"corpus": {"builtin": "demo"}}).encode()
CHUNKED = {"content_type": "application/json", "transfer_encoding": "chunked"}
ENDLESS = 40 * MIB
"""More than the buffers between client and service hold."""
TRAILER = b"X-Some: " + b"a" * 1000 + b"\r\n"


@pytest.fixture(scope="module")
def keyed(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("trailers") / "data"
    settings = settings_for(directory, migrated_sqlite, tiny_backbone_dir, **UNLIMITED, upload_grace_s=1)
    with running(settings) as started:
        wait_until(lambda: started.http.get("/backbone", headers=bearer(ADMIN_KEY)).status_code == 200, 60)
        yield started


@pytest.fixture
def wire(keyed: Service) -> Iterator[RawConnection]:
    with RawConnection(keyed.port) as client:
        yield client


def authorised(wire: RawConnection, method: str, path: str, **headers: str) -> RawConnection:
    return wire.head(method, path, authorization=f"Bearer {ADMIN_KEY}", **headers)


def chunked(body: bytes, *trailers: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, b"".join(trailer + b"\r\n" for trailer in trailers))


def answers(wire: RawConnection) -> list[bytes]:
    """Read everything until the service closes, and return the answers, from their status on."""
    with wire.socket.makefile("rb") as stream:
        return stream.read().split(b"HTTP/1.1 ")[1:]


def memory() -> int:
    return psutil.Process().memory_info().rss


def test_trailers_are_bounded_as_a_head_is(wire: RawConnection) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED).send(b"2\r\n{}\r\n0\r\n")
    assert wire.send_until_closed(TRAILER, most=ENDLESS) < ENDLESS
    with suppress(ConnectionResetError):  # what was sent on and not read may take the answer with it
        body = refused(wire.answer(), 431, "head_too_large")
        assert "after the body" in body["detail"]


def test_128_kilobytes_of_trailers_are_refused_with_a_word(wire: RawConnection) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED).send(b"2\r\n{}\r\n0\r\n", TRAILER * 130)
    refused(wire.answer(), 431, "head_too_large")
    assert wire.is_closed()


def test_one_trailer_without_an_end_is_too(wire: RawConnection) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED).send(b"2\r\n{}\r\n0\r\nX-Some: ", b"a" * 2 * MAX_HEAD)
    refused(wire.answer(), 431, "head_too_large")


def test_a_stranger_is_closed_after_the_answer(keyed: Service, wire: RawConnection) -> None:
    wire.head("POST", "/predict", **CHUNKED)
    refused(wire.answer(), 401, "unauthorized")
    wire.send(b"0\r\n")
    assert wire.send_until_closed(TRAILER, most=ENDLESS) < ENDLESS


def test_a_strangers_body_is_dropped_up_to_the_largest_there_may_be(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    sizes = {"max_corpus_mb": 64, "max_artifact_mb": 1}
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **UNLIMITED, **sizes)) as service:
        with RawConnection(service.port) as wire:
            wire.head("POST", "/tickets", content_type="multipart/form-data; boundary=b", content_length=str(40 * MIB))
            assert wire.send_until_closed(b"x" * MIB, most=40 * MIB) == 40 * MIB, "a client that asks too late is heard"
            refused(wire.answer(), 401, "unauthorized")
        with RawConnection(service.port) as wire:
            wire.head("POST", "/tickets", content_type="multipart/form-data; boundary=b", content_length=str(2**40))
            assert 60 * MIB < wire.send_until_closed(b"x" * MIB, most=200 * MIB) < 200 * MIB


def test_trailers_that_dribble_in_have_the_deadline_of_a_body(wire: RawConnection) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED).send(b"2\r\n{}\r\n0\r\n")
    assert wire.send_slowly(b"X-Slow: " + b"a" * 200) < 200
    refused(wire.answer(), 408, "request_timeout")


def test_memory_stays_where_it_was_however_many_send_them(keyed: Service, record_property: object) -> None:
    def flood(name: bytes) -> int:
        with RawConnection(keyed.port) as wire:
            wire.head("POST", "/predict", **CHUNKED).send(b"0\r\n", name)
            return wire.send_until_closed(TRAILER if name == b"" else b"a" * 16_384, most=ENDLESS)

    flood(b"")
    before = memory()
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(flood, [b"", b"", b"X-Long: ", b"X-Long: "]))
    grown = memory() - before
    record_property("figures", f"{sum(sent) / MIB:.1f} MiB of trailers sent, {grown / MIB:.1f} MiB more memory")  # type: ignore[operator]
    assert grown < 16 * MIB
    assert max(sent) < ENDLESS


def test_a_key_in_a_trailer_opens_nothing(keyed: Service, wire: RawConnection) -> None:
    key = {"name": "mine", "scopes": ["read"]}
    wire.head("POST", "/keys", **CHUNKED)
    wire.send(chunked(json.dumps(key).encode(), b"Authorization: Bearer " + ADMIN_KEY.encode()))
    refused(wire.answer(), 401, "unauthorized")
    assert keyed.http.get("/keys", headers=bearer(ADMIN_KEY)).json()["items"] == []


def test_a_key_that_comes_with_the_head_in_one_piece_does_not_either(wire: RawConnection) -> None:
    head = (
        "POST /keys HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wire.send(head, chunked(b'{"name": "m", "scopes": ["read"]}', b"Authorization: Bearer " + ADMIN_KEY.encode()))
    refused(wire.answer(), 401, "unauthorized")


def test_other_trailers_have_no_effect(wire: RawConnection) -> None:
    jobs = []
    for _ in range(2):
        head = f"POST /tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        framing = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.send(head, framing, chunked(TICKET, b"Idempotency-Key: once", b"X-Request-ID: chosen", b"Expect: x"))
        answer = wire.answer()
        assert answer.status_code == 202, answer.text
        assert answer.headers["X-Request-ID"] != "chosen"
        jobs.append(answer.json()["job"]["id"])
    assert len(set(jobs)) == 2, "the key came too late to be one"
    authorised(wire, "POST", "/tickets", transfer_encoding="chunked")
    wire.send(chunked(TICKET, b"Content-Type: application/json"))
    refused(wire.answer(), 415, "unsupported_media_type")


def test_a_host_in_a_trailer_is_none(shared: Service) -> None:
    with RawConnection(shared.port) as wire:
        wire.send("POST /predict HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"{}", b"Host: localhost"))
        refused(wire.answer(), 403, "forbidden_host")


def test_what_hangs_on_chunk_sizes_is_bounded_on_the_whole(wire: RawConnection) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED)
    bloated = b"1;" + b"x" * 8000 + b"\r\n \r\n"
    assert wire.send_until_closed(bloated, most=ENDLESS) < ENDLESS
    with suppress(ConnectionResetError):
        assert "chunks" in refused(wire.answer(), 431, "head_too_large")["detail"]


def test_a_body_in_chunks_of_a_byte_is_taken(wire: RawConnection) -> None:
    body = json.dumps({"lang": "sw", "pairs": [], "why": "x" * 100_000}).encode()
    authorised(wire, "POST", "/predict", **CHUNKED).send(b"".join(b"1\r\n%c\r\n" % byte for byte in body), "0\r\n\r\n")
    assert "why" in {fault["path"] for fault in refused(wire.answer(), 422, "invalid_request")["fields"]}


@pytest.mark.parametrize("filler", [b"\r\n", b"GET /" + b"a" * 70_000, b"GET / HTTP/1.1\r\nX: " + b" " * 70_000])
def test_what_is_no_head_yet_is_bounded(wire: RawConnection, filler: bytes) -> None:
    wire.head("GET", "/healthz").answer()
    assert wire.send_until_closed(filler, most=ENDLESS) < ENDLESS


def test_a_head_that_comes_all_at_once_is_bounded_too(wire: RawConnection) -> None:
    wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: ", "x" * 150_000, "\r\n\r\n")
    refused(wire.answer(), 431, "head_too_large")


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_headers_are_counted_as_well_as_their_bytes(wire: RawConnection, end: bytes) -> None:
    wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"a:b\r\n" * 12_000 + end)
    (answer,) = answers(wire)
    assert answer.startswith(b"431"), answer[:200]
    assert b"at most 128 headers" in answer


def test_a_hundred_headers_are_taken(wire: RawConnection) -> None:
    wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"a:b\r\n" * 100 + b"\r\n")
    assert answers(wire)[0].startswith(b"200")


def test_a_body_beside_an_answer_under_way_is_not_read_for_ever(keyed: Service, wire: RawConnection) -> None:
    _, _, job = make_ticket(keyed.app.state.db)
    authorised(wire, "GET", f"/jobs/{job.id}/events", content_length=str(10**9))
    wait_until(wire.has_answered, 10)
    assert wire.send_until_closed(b"x" * 65_536, most=ENDLESS) < ENDLESS


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_a_body_is_no_request_because_another_protocol_is_offered(keyed: Service, protocol: str) -> None:
    inner = b"DELETE /jobs HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: smuggled\r\n\r\n"
    with RawConnection(keyed.port) as wire:
        offer = {"connection": "Upgrade", "upgrade": protocol}
        authorised(wire, "POST", "/predict", content_type="application/json", content_length=str(len(inner)), **offer)
        wire.send(inner)
        refused(wire.answer(), 422, "invalid_request")
        assert wire.is_closed()


def test_a_body_is_read_although_another_protocol_is_offered(wire: RawConnection) -> None:
    """As `curl --http2` and Java's client send their first request."""
    offer = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2_settings": "AAMAAABkAAQCAAAAAAIAAAAA"}
    authorised(wire, "POST", "/tickets", **CHUNKED, **offer).send(chunked(TICKET, b"X: y"))
    assert wire.answer().status_code == 202


def test_what_is_sent_ahead_after_such_a_body_is_no_part_of_it(wire: RawConnection) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
    kind = "Content-Type: application/json\r\n"
    offer = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
    wire.send(head, kind, offer, 'Content-Length: 9\r\n\r\n{"one":1}', head, kind, 'Content-Length: 9\r\n\r\n{"two":2}')
    body = refused(wire.answer(), 422, "invalid_request")
    assert "one" in {fault["path"] for fault in body["fields"]}, "one document, not two behind each other"
    assert wire.is_closed()


@pytest.mark.parametrize("rest", [b"zz\r\n", b"3\r\nabcX\r\n"])
def test_such_a_body_in_bad_chunks_is_refused(wire: RawConnection, rest: bytes) -> None:
    authorised(wire, "POST", "/predict", **CHUNKED, connection="Upgrade", upgrade="h2c").send(b"2\r\n{}\r\n", rest)
    refused(wire.answer(), 400, "malformed_request")
    assert wire.is_closed()


def test_requests_sent_ahead_after_an_offer_are_answered(wire: RawConnection) -> None:
    offer = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    wire.send(offer, "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    first, second = answers(wire)
    assert first.endswith(b'{"status":"ok"}')
    assert b'"version":' in second


def test_where_a_segment_ends_makes_no_difference(keyed: Service) -> None:
    generator = random.Random(5)
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_KEY}\r\n".encode()
    body = json.dumps({"why": "x" * 40_000}).encode()
    chunks = b"".join(b"%x;e=1\r\n%s\r\n" % (len(part), part) for part in (body[:3], body[3:20_000], body[20_000:]))
    framed = (
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Last: 1\r\n\r\n"
    )
    whole = head + framed + b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for _ in range(15):
        cuts = (
            sorted(generator.sample(range(1, len(whole)), 6))
            if generator.random() < 0.5
            else [
                *sorted(generator.sample(range(1, 300), 3)),
                *sorted(generator.sample(range(len(whole) - 100, len(whole)), 3)),
            ]
        )
        with RawConnection(keyed.port) as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start, end in itertools.pairwise([0, *cuts, len(whole)]):
                wire.send(whole[start:end])
                time.sleep(0.002)
            first, second = answers(wire)
        assert first.startswith(b"422"), cuts
        assert b'"path":"why"' in first, cuts
        assert second.startswith(b"200"), cuts


@pytest.mark.parametrize("path", ["/events", ""])
def test_http_1_0_is_answered_without_chunks(keyed: Service, path: str) -> None:
    db = keyed.app.state.db
    _, _, job = make_ticket(db)
    keyed.http.post(f"/jobs/{job.id}/cancel", headers=bearer(ADMIN_KEY))
    with RawConnection(keyed.port) as wire:
        wire.send(f"GET /jobs/{job.id}{path} HTTP/1.0\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\r\n")
        with wire.socket.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"id: 1\r\nevent: done\r\n" if path else b'{"id"'), body[:60]
    assert body.rstrip().endswith(b"}"), body[-40:]
