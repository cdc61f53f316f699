"""Both clients against a peer that is busy, breaks off, or is something else: what is asked again, and what is said."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support.cli_process import NOWHERE
from support.driven import KINDS, opened
from support.needs import PROCESS, needs
from support.peer import Respond, answer, peers

import ltp_client
from ltp_client import Wait

BUSY = {"error": "queue_full", "detail": "the queue is full; try again", "request_id": "r-1"}
KEY = "Idempotency-Key"


@pytest.fixture
@needs(PROCESS)
def peer() -> Iterator[Callable[[Respond], str]]:
    with peers() as start:
        yield start


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Opens a client, synchronous or asynchronous."""
    return partial(opened, request.param)


Peer = Callable[[Respond], str]
Connect = Callable[..., Any]


def test_a_busy_service_is_asked_again_when_it_says_so_and_each_pause_is_told(peer: Peer, connect: Connect) -> None:
    keys: list[str | None] = []
    told: list[Wait] = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        keys.append(handler.headers[KEY])
        answer(handler, *((429 + 74 * number, BUSY) if number < 2 else (200, {"ok": True})), Retry_After="0.2")

    with connect(peer(respond), on_wait=told.append) as client:
        assert client.connection.post("/predict", {}) == {"ok": True}
    assert [each.seconds for each in told] == [0.2, 0.2]
    assert str(told[0]) == "the queue is full; try again; asking again in 0.2 s"
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0]


def test_a_pause_is_a_warning_where_nobody_listens(
    peer: Peer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        answer(handler, *((503, BUSY) if number < 1 else (200, {})), Retry_After="0.1")

    with caplog.at_level(logging.WARNING, "ltp_client"), connect(peer(respond)) as client:
        client.connection.get("/jobs")
    assert [each.getMessage() for each in caplog.records] == ["the queue is full; try again; asking again in 0.1 s"]


def test_patience_ends_with_the_services_own_words(peer: Peer, connect: Connect) -> None:
    url = peer(lambda handler, _: answer(handler, 503, BUSY, Retry_After="5"))
    with connect(url, busy_wait_s=1.0) as client, pytest.raises(ltp_client.Busy, match="queue is full") as caught:
        client.connection.get("/jobs")
    error = caught.value
    assert (error.code, error.request_id, error.status, error.retry_after) == ("queue_full", "r-1", 503, 5.0)


def broken(times: int, keys: list[str | None]) -> Respond:
    """Closes the connection without an answer, and then answers."""

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        keys.append(handler.headers[KEY])
        if number >= times:
            answer(handler, 200, {"ok": True})

    return respond


def test_a_request_whose_connection_breaks_is_sent_again_with_the_same_key(peer: Peer, connect: Connect) -> None:
    keys: list[str | None] = []
    with connect(peer(broken(1, keys)), on_wait=lambda _: None) as client:
        assert client.connection.post("/tickets", {}) == {"ok": True}
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_what_would_be_done_twice_is_not_sent_again(peer: Peer, connect: Connect) -> None:
    keys: list[str | None] = []
    with connect(peer(broken(1, keys))) as client, pytest.raises(ltp_client.ConnectionLost):
        client.keys.create("a key", scopes=["read"])
    assert len(keys) == 1


def test_a_deletion_that_was_not_heard_of_is_done(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number:
            answer(handler, 404, {"error": "drift_not_found", "detail": "there is no drift 'd'", "request_id": "r"})

    url = peer(respond)
    with connect(url, on_wait=lambda _: None) as client:
        client.drifts.delete("d")
        with pytest.raises(ltp_client.NotFound):
            client.drifts.delete("d")


def test_nobody_listening_is_said_after_some_attempts(connect: Connect) -> None:
    told: list[Wait] = []
    with connect(NOWHERE, attempts=2, on_wait=told.append) as client, pytest.raises(ltp_client.NoService) as caught:
        client.connection.get("/jobs")
    assert caught.value.code == "no_service"
    assert NOWHERE in str(caught.value)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ltp_client.NotAuthenticated),
        (403, ltp_client.Forbidden),
        (404, ltp_client.NotFound),
        (409, ltp_client.Conflict),
        (413, ltp_client.InvalidRequest),
        (422, ltp_client.InvalidRequest),
        (418, ltp_client.Refused),
    ],
)
def test_a_refusal_is_an_error_of_its_class(
    peer: Peer, connect: Connect, status: int, kind: type[ltp_client.Error]
) -> None:
    fields = [{"path": "pairs.3.premise", "message": "must not be blank"}]
    body = {"error": "invalid_request", "detail": "it does not validate", "fields": fields, "request_id": "r-2"}
    url = peer(lambda handler, _: answer(handler, status, body))
    with connect(url) as client, pytest.raises(kind) as caught:
        client.connection.post("/predict", {})
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.detail, error.request_id) == ("invalid_request", "it does not validate", "r-2")
    assert error.fields == fields
    assert "pairs.3.premise: must not be blank" in str(error)


def test_a_page_of_a_proxy_is_a_sentence_and_a_moved_service_says_where(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if handler.path == "/moved":
            return answer(handler, 301, b"", Location="https://elsewhere.example/moved")
        return answer(handler, 502, b"Bad gateway")

    with connect(peer(respond), attempts=1) as client:
        with pytest.raises(ltp_client.BadGateway, match="answered 502 Bad Gateway"):
            client.connection.get("/jobs")
        with pytest.raises(ltp_client.Refused, match=r"it is at https://elsewhere\.example/moved now"):
            client.connection.get("/moved")


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1, 2]", b"\xff\xfe\x00"])
def test_something_else_on_the_port_is_recognised(peer: Peer, connect: Connect, body: bytes) -> None:
    url = peer(lambda handler, _: answer(handler, 200, body))
    with connect(url) as client, pytest.raises(ltp_client.NotAService) as caught:
        client.jobs.get("j")
    assert caught.value.code == "not_a_service"


def test_an_answer_of_another_release_is_named(peer: Peer, connect: Connect) -> None:
    url = peer(lambda handler, _: answer(handler, 200, {"id": 7}))
    with connect(url) as client, pytest.raises(ltp_client.NotAService, match=r"Job\.id") as caught:
        client.jobs.get("j")
    assert caught.value.code == "unexpected_answer"


def test_a_field_of_a_later_release_and_a_value_are_kept(peer: Peer, connect: Connect) -> None:
    body = {"status": "ready", "backbone": "mini", "database": None, "queue": {"pairs": 3}}
    with connect(peer(lambda handler, _: answer(handler, 200, body))) as client:
        assert client.ready().queue == {"pairs": 3}


def test_lists_are_read_page_by_page_up_to_the_limit(peer: Peer, connect: Connect) -> None:
    asked: list[str] = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        asked.append(handler.path)
        at = int(handler.path.partition("cursor=")[2] or 0)
        items = [{"number": 2 * at}, {"number": 2 * at + 1}]
        answer(handler, 200, {"items": items, "next_cursor": str(at + 1) if at < 2 else None})

    with connect(peer(respond)) as client:
        assert [item["number"] for item in client.connection.pages("/jobs")] == [0, 1, 2, 3, 4, 5]
        del asked[:]
        assert [item["number"] for item in client.connection.pages("/jobs", limit=3, kind="ticket")] == [0, 1, 2]
    assert asked == ["/jobs?kind=ticket&limit=3", "/jobs?kind=ticket&limit=1&cursor=1"]


def test_a_service_below_a_path_is_asked_there_and_shown_the_key(peer: Peer, connect: Connect) -> None:
    seen: list[tuple[str, str | None]] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        seen.append((handler.path, handler.headers["Authorization"]))
        answer(handler, 200, {})

    with connect(f"{peer(respond)}/ltp/", api_key="secret") as client:
        client.connection.get("/jobs/j")
    assert seen == [("/ltp/jobs/j", "Bearer secret")]


def test_address_and_key_come_from_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTP_URL", "localhost:8123/below/")
    monkeypatch.setenv("LTP_API_KEY", "clé")
    with pytest.raises(ltp_client.InvalidConnection, match="at place 3"), connect(None):
        pass
    monkeypatch.delenv("LTP_API_KEY")
    with connect(None) as client:
        assert client.url == "http://localhost:8123/below"


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:x"])
def test_what_is_no_address_is_said(connect: Connect, url: str) -> None:
    with pytest.raises(ltp_client.InvalidConnection, match="is not an"), connect(url):
        pass


def test_a_download_that_breaks_off_begins_anew_and_appears_whole(peer: Peer, connect: Connect, tmp_path: Path) -> None:
    content = b"0123456789" * 1000

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number:
            return answer(handler, 200, content)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:5000])
        return None

    target = tmp_path / "mask.safetensors"
    with connect(peer(respond), on_wait=lambda _: None) as client:
        assert client.connection.save("/tickets/t/mask", target) == len(content)
    assert target.read_bytes() == content
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_that_is_refused_leaves_nothing(peer: Peer, connect: Connect, tmp_path: Path) -> None:
    body = {"error": "not_ready_yet", "detail": "ticket t is pending", "request_id": "r"}
    url = peer(lambda handler, _: answer(handler, 409, body))
    with connect(url) as client, pytest.raises(ltp_client.Conflict, match="pending"):
        client.connection.save("/tickets/t/mask", tmp_path / "mask.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_is_sent_whole_each_time(peer: Peer, connect: Connect, tmp_path: Path) -> None:
    bodies: list[bytes] = []
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"premise,hypothesis\na,b\n")

    def respond(handler: Any, number: int) -> None:
        bodies.append(handler.body)
        answer(handler, *((503, BUSY) if not number else (200, {"format": "csv", "columns": {}})), Retry_After="0.1")

    with connect(peer(respond), on_wait=lambda _: None) as client:
        assert client.data.check(path, task="predict", lang="sw").format == "csv"
    assert len(bodies) == 2
    for body in bodies:
        assert path.read_bytes() in body
        assert b'filename="pairs.csv"' in body
        assert json.dumps({"task": "predict", "lang": "sw"}).encode() in body
