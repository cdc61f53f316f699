"""The client against a peer that misbehaves on cue: busy, cut off, replaced by something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from support.cli_process import NOWHERE, run
from support.needs import PROCESS, needs
from support.peer import Respond, answer, peers, stream

from app.cli.client import Client
from app.cli.events import follow
from app.cli.failure import Failure
from app.cli.prediction_requests import PredictionOptions, predict_pairs
from ltp_client.events import Decoder, Event


@pytest.fixture
@needs(PROCESS)
def peer() -> Iterator[Callable[[Respond], str]]:
    """Start a peer that calls `respond(handler, number of the request from 0)`; returns its address."""
    with peers() as start:
        yield start


BUSY = {"error": "queue_full", "detail": "try again", "request_id": "r-1"}


def test_a_busy_service_is_asked_again_after_retry_after(peer: Callable[[Respond], str]) -> None:
    keys = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        keys.append(handler.headers["Idempotency-Key"])
        answer(handler, *((429, BUSY) if number < 2 else (200, {"ok": True})), Retry_After="0")

    with Client(peer(respond)) as client:
        assert client.post("/predict", {}) == {"ok": True}
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize("command", [["ticket", "create", "--builtin", "demo"], ["language", "adapt", "quy", "TEXT"]])
def test_who_does_not_wait_is_refused_at_once(
    peer: Callable[[Respond], str], tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "TEXT").write_text("Allqu punkupi.\n", encoding="utf-8")
    asked = []
    full = {"error": "too_many_jobs", "detail": "2 of 2 jobs are unfinished", "request_id": "r-1"}

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        asked.append(number)
        answer(handler, 429, full, Retry_After="1")

    done = run(*command, "--no-wait", "--json", url=peer(respond), cwd=tmp_path)
    assert (done.code, done.json["error"], asked) == (1, "too_many_jobs", [0])
    assert "2 of 2 jobs are unfinished" in done.err


def test_patience_ends_and_the_refusal_is_shown_with_its_request(peer: Callable[[Respond], str]) -> None:
    url = peer(lambda handler, _: answer(handler, 503, BUSY, Retry_After="5"))
    with Client(url, busy_wait_s=1.0) as client, pytest.raises(Failure, match="try again") as caught:
        client.get("/jobs")
    assert (caught.value.code, caught.value.request_id) == ("queue_full", "r-1")


def test_a_connection_that_breaks_is_tried_again_with_the_same_key(peer: Callable[[Respond], str]) -> None:
    keys = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        keys.append(handler.headers["Idempotency-Key"])
        if number:
            answer(handler, 202, {"job": {}})

    with Client(peer(respond)) as client:
        assert client.post("/tickets", {}) == {"job": {}}
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1, 2]"])
def test_something_else_on_the_port_is_recognised(peer: Callable[[Respond], str], body: bytes) -> None:
    with Client(peer(lambda handler, _: answer(handler, 200, body))) as client, pytest.raises(Failure) as caught:
        client.get("/jobs")
    assert caught.value.code == "not_a_service"


def test_an_error_page_that_is_not_ours_is_still_a_sentence(peer: Callable[[Respond], str]) -> None:
    url = peer(lambda handler, _: answer(handler, 502, b"Bad gateway"))
    with Client(url) as client, pytest.raises(Failure, match="answered 502"):
        client.get("/jobs")


def test_lists_are_read_page_by_page_up_to_the_limit(peer: Callable[[Respond], str]) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        items = [{"number": 2 * number}, {"number": 2 * number + 1}]
        answer(handler, 200, {"items": items, "next_cursor": str(number + 1) if number < 2 else None})

    with Client(peer(respond)) as client:
        assert [item["number"] for item in client.items("/jobs")] == [0, 1, 2, 3, 4, 5]


def test_a_broken_stream_is_resumed_behind_the_last_event(peer: Callable[[Respond], str]) -> None:
    resumed = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        resumed.append(handler.headers["Last-Event-ID"])
        parts = [stream((1, "progress", {"step": 1}), (2, "progress", {"step": 2})), stream((3, "done", {}))]
        answer(handler, 200, parts[number], Content_Type="text/event-stream")

    with Client(peer(respond)) as client:
        events = list(follow(client, "j"))
    assert [event.id for event in events] == ["1", "2", "3"]
    assert resumed == [None, "2"]


def test_where_no_stream_passes_the_job_is_polled(peer: Callable[[Respond], str]) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if handler.path.endswith("/events"):
            return answer(handler, 200, b"buffered away", Content_Type="text/plain")
        status = "succeeded" if number > 1 else "running"
        return answer(handler, 200, {"status": status, "progress": {"step": number}})

    with Client(peer(respond)) as client:
        events = list(follow(client, "j"))
    assert [event.kind for event in events] == ["progress", "progress", "done"]


def test_a_job_that_is_not_there_is_not_waited_for(peer: Callable[[Respond], str]) -> None:
    body = {"error": "job_not_found", "detail": "there is no job 'j'", "request_id": "r"}
    url = peer(lambda handler, _: answer(handler, 404, body))
    with Client(url) as client, pytest.raises(Failure, match="there is no job"):
        list(follow(client, "j"))


def test_events_are_parsed_with_comments_and_without_the_one_that_was_cut() -> None:
    lines = [
        ": ping",
        "",
        "id: 7",
        "event: log",
        'data: {"message":',
        'data: "hello"}',
        "",
        ": ping",
        "",
        "event: progress",
        'data: {"st',
    ]
    assert list(Decoder().feed("\n".join(lines).encode())) == [Event("log", {"message": "hello"}, "7")]


def test_nobody_listening_is_known_at_once() -> None:
    with Client(NOWHERE) as client, pytest.raises(Failure) as caught:
        client.get("/jobs")
    assert caught.value.code == "no_service"


def test_an_address_may_leave_out_the_scheme() -> None:
    with Client("localhost:8000/") as client:
        assert client.url == "http://localhost:8000"


def test_waiting_for_a_busy_service_is_told_and_not_over_and_over(
    peer: Callable[[Respond], str], capsys: pytest.CaptureFixture[str]
) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        answer(handler, *((429, BUSY) if number < 3 else (200, {})), Retry_After="0")

    with Client(peer(respond)) as client:
        client.get("/jobs")
    assert capsys.readouterr().err == "try again; asking again in 0.1 s\n"


def test_a_download_that_breaks_off_begins_anew(peer: Callable[[Respond], str], tmp_path: Path) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number:
            return answer(handler, *((503, BUSY) if number == 1 else (200, b"content")), Retry_After="0")
        handler.send_response(200)
        handler.send_header("Content-Length", "7")
        handler.end_headers()
        handler.wfile.write(b"con")
        return None

    with Client(peer(respond)) as client:
        assert client.save("/tickets/t/mask", tmp_path / "mask.safetensors") == 7
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"content"]


def test_what_is_wrong_with_a_pair_names_its_place_among_all(peer: Callable[[Respond], str]) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        refused = {"error": "invalid_request", "detail": "pairs.5: no", "request_id": "r-1"}
        fields = [{"path": "pairs.5", "message": "no"}]
        answer(handler, *((422, {**refused, "fields": fields}) if number else (200, {"predictions": []})))

    pairs = [{"premise": "a", "hypothesis": "b"}] * 70
    with Client(peer(respond)) as client, pytest.raises(Failure) as caught:
        list(predict_pairs(client, PredictionOptions("sw"), pairs))
    assert (str(caught.value), [each["path"] for each in caught.value.fields]) == ("pairs.69: no", ["pairs.69"])


def test_what_the_service_would_do_twice_is_not_asked_again(peer: Callable[[Respond], str]) -> None:
    seen = []
    with Client(peer(lambda _, number: seen.append(number))) as client, pytest.raises(Failure) as caught:
        client.post("/keys", {}, repeatable=False)
    assert (caught.value.code, seen) == ("connection_lost", [0])
