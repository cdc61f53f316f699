"""Both clients against a peer that is busy, breaks off, or is something else: what is asked again, and what is said."""

from __future__ import annotations

import copy
import json
import logging
import math
import pickle
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from support.cli_process import NOWHERE
from support.peer import Respond, answer

import ltp_client
from ltp_client import Wait
from ltp_client.http_answers import refusal
from ltp_client.models import KeyCreated

BUSY = {"error": "queue_full", "detail": "the queue is full; try again", "request_id": "r-1"}
KEY = "Idempotency-Key"
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


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0.2", 0.2), ("0", 0.1), ("-3", 0.1), ("1e400", math.inf), ("nan", None), ("soon", None), ("", None)],
)
def test_a_pause_is_as_long_as_the_answer_says(said: str, seconds: float | None) -> None:
    assert refused(503, said).retry_after == seconds


@pytest.mark.parametrize(("ahead_s", "least", "most"), [(30, 28, 30), (-3600, 1, 1), (10**7, 9.9e6, 1e7)])
def test_a_pause_may_be_said_as_a_moment(ahead_s: float, least: float, most: float) -> None:
    moment = formatdate(time.time() + ahead_s, usegmt=True)
    pause = refused(429, moment).retry_after
    assert pause is not None
    assert least <= pause <= most


def refused(status: int, said: str) -> ltp_client.Error:
    asked = httpx.Request("GET", "http://127.0.0.1/jobs")
    return refusal(httpx.Response(status, headers={"Retry-After": said}, json=BUSY, request=asked))


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


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_proxy_may_have_let_through_is_not_sent_again(peer: Peer, connect: Connect, status: int) -> None:
    asked: list[str] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        asked.append(handler.path)
        answer(handler, status, b"upstream connect error or disconnect/reset before headers")

    with connect(peer(respond)) as client, pytest.raises(ltp_client.Refused) as caught:
        client.keys.create("a key", scopes=["read"])
    assert len(asked) == 1
    assert caught.value.passing


def test_a_pause_that_is_too_long_is_not_begun(peer: Peer, connect: Connect) -> None:
    told: list[Wait] = []
    url = peer(lambda handler, _: answer(handler, 429, BUSY, Retry_After="86400"))
    with connect(url, on_wait=told.append) as client, pytest.raises(ltp_client.Busy) as caught:
        client.connection.get("/jobs")
    assert (told, caught.value.retry_after) == ([], 86400.0)


def test_a_deletion_that_was_not_heard_of_is_done(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number:
            answer(handler, 404, {"error": "drift_not_found", "detail": "there is no drift 'd'", "request_id": "r"})

    url = peer(respond)
    with connect(url, on_wait=lambda _: None) as client:
        client.drifts.delete("d")
        with pytest.raises(ltp_client.NotFound):
            client.drifts.delete("d")


@pytest.mark.parametrize(
    "error",
    [
        ltp_client.InvalidRequest("code", "no", fields=[{"path": "lang", "message": "m"}], request_id="r", status=422),
        ltp_client.NoService("http://127.0.0.1:1", "refused", proxy="p:3128"),
        ltp_client.StillRunning("still_running", "it goes on"),
    ],
)
def test_an_error_reaches_another_process_as_it_is(error: ltp_client.Error) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301  just written
        assert type(same) is type(error)
        assert (str(same), vars(same)) == (str(error), vars(error))


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


def test_a_list_that_is_none_is_said(peer: Peer, connect: Connect) -> None:
    url = peer(lambda handler, _: answer(handler, 200, {"ok": True}))
    with connect(url) as client, pytest.raises(ltp_client.NotAService):
        list(client.jobs.list())


def test_an_answer_that_cannot_be_unpacked_is_said(peer: Peer, connect: Connect) -> None:
    url = peer(lambda handler, _: answer(handler, 200, b"{}", Content_Encoding="gzip"))
    with connect(url) as client, pytest.raises(ltp_client.NotAService, match="cannot be decoded"):
        client.connection.get("/jobs")


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


def test_a_key_is_not_shown_where_an_answer_is(peer: Peer, connect: Connect) -> None:
    made = KeyCreated.model_construct(id="k", name="a key", secret="ltp_letmein")
    assert "letmein" not in f"{made!r} {made} {[made]}"
    assert made.secret == "ltp_letmein"


def test_what_is_wrong_with_a_pair_names_its_place_among_all(peer: Peer, connect: Connect) -> None:
    timing = {"queue": 1.0, "compute": 1.0}
    shares = {"entailment": 0.1, "neutral": 0.8, "contradiction": 0.1}
    judged = {"label": "neutral", "probabilities": shares, "adapter": {"id": "a", "lang": "sw", "version": 1}}
    judged |= {"fallback": False, "truncated": False, "abstained": False, "unknown": False}

    def respond(handler: Any, number: int) -> None:
        pairs = len(json.loads(handler.body)["pairs"])
        predictions = [judged] * pairs
        fault = {"path": "pairs.3.premise", "message": "must not be blank"}
        refused = {"error": "invalid_request", "detail": "pairs.3.premise: must not be blank", "fields": [fault]}
        answer(handler, *((422, refused) if number else (200, {"predictions": predictions, "timing_ms": timing})))

    with connect(peer(respond)) as client, pytest.raises(ltp_client.InvalidRequest) as caught:
        client.predict([("a", "b")] * 70, lang="sw")
    assert [each["path"] for each in caught.value.fields] == ["pairs.67.premise"]
    assert caught.value.detail == "pairs.67.premise: must not be blank"
