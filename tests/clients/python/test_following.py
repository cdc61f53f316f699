"""Following a job through streams that break, through none, and until one does not want to wait any longer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.peer import Respond, answer, stream

import ltp_client
from ltp_client import Event
from ltp_client.events import Decoder

STREAM = "text/event-stream"
Peer = Callable[[Respond], str]
Connect = Callable[..., Any]


def job(status: str, **told: Any) -> dict[str, Any]:
    progress = {"phase": "training", "step": 1, "total": 2, "eta_s": None, "metrics": {}}
    base = {"id": "j", "kind": "ticket", "attempt": 1, "error": None, "resource": {"kind": "ticket", "id": "t"}}
    moments = {"created_at": "2026-03-01T12:00:00.000Z", "started_at": None, "finished_at": None}
    return {**base, **moments, "status": status, "progress": progress, **told}


def test_a_broken_stream_is_resumed_behind_the_last_event(peer: Peer, connect: Connect) -> None:
    resumed = []

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        resumed.append(handler.headers["Last-Event-ID"])
        parts = [stream((1, "progress", {"step": 1}), (2, "progress", {"step": 2})), stream((3, "done", {}))]
        answer(handler, 200, parts[number], Content_Type=STREAM)

    with connect(peer(respond)) as client:
        events = list(client.jobs.events("j"))
    assert [(event.kind, event.id) for event in events] == [("progress", "1"), ("progress", "2"), ("done", "3")]
    assert resumed == [None, "2"]


def test_a_stream_is_entered_behind_an_event_that_is_known(peer: Peer, connect: Connect) -> None:
    resumed = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        resumed.append(handler.headers["Last-Event-ID"])
        answer(handler, 200, stream((8, "done", {})), Content_Type=STREAM)

    with connect(peer(respond)) as client:
        assert [event.id for event in client.jobs.events("j", after="7")] == ["8"]
    assert resumed == ["7"]


def test_where_no_stream_passes_the_job_is_polled(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if handler.path.endswith("/events"):
            return answer(handler, 200, b"buffered away", Content_Type="text/plain")
        return answer(handler, 200, job("succeeded" if number > 1 else "running"))

    with connect(peer(respond)) as client:
        events = list(client.jobs.events("j"))
    assert [event.kind for event in events] == ["progress", "progress", "done"]


def test_a_state_of_a_later_release_is_no_end(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if handler.path.endswith("/events"):
            return answer(handler, 204, b"")
        return answer(handler, 200, job("succeeded" if number > 1 else "paused"))

    with connect(peer(respond)) as client:
        assert [event.kind for event in client.jobs.events("j")] == ["progress", "progress", "done"]


def test_a_callback_that_raises_leaves_no_stream_open(peer: Peer, connect: Connect) -> None:
    left = threading.Event()

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        if not handler.path.endswith("/events"):
            return answer(handler, 200, job("running"))
        handler.send_response(200)
        handler.send_header("Content-Type", STREAM)
        handler.end_headers()
        handler.wfile.write(stream((1, "progress", {"step": 1})))
        handler.wfile.flush()
        handler.rfile.read(1)
        left.set()
        return None

    def show(_: Event) -> None:
        raise LookupError("not shown")

    with connect(peer(respond)) as client:
        with pytest.raises(LookupError):
            client.jobs.wait("j", progress=show)
        assert left.wait(5)


def test_a_job_that_is_not_there_is_not_waited_for(peer: Peer, connect: Connect) -> None:
    body = {"error": "job_not_found", "detail": "there is no job 'j'", "request_id": "r"}
    url = peer(lambda handler, _: answer(handler, 404, body))
    with connect(url) as client, pytest.raises(ltp_client.NotFound, match="there is no job"):
        list(client.jobs.events("j"))


def test_waiting_ends_when_it_was_asked_to_though_the_stream_is_silent(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        if not handler.path.endswith("/events"):
            return answer(handler, 200, job("running"))
        handler.send_response(200)
        handler.send_header("Content-Type", STREAM)
        handler.end_headers()
        handler.wfile.flush()
        handler.rfile.read(1)  # until the client has gone
        return None

    with connect(peer(respond)) as client, pytest.raises(ltp_client.StillRunning, match="it goes on"):
        client.jobs.wait("j", timeout_s=0.3)


def test_waiting_ends_when_it_was_asked_to_though_events_keep_coming(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        if not handler.path.endswith("/events"):
            return answer(handler, 200, job("running"))
        handler.send_response(200)
        handler.send_header("Content-Type", STREAM)
        handler.end_headers()
        with contextlib.suppress(OSError):  # the client has gone
            for number in range(1, 200):
                handler.wfile.write(stream((number, "progress", {"step": number})))
                time.sleep(0.05)
        return None

    with connect(peer(respond)) as client, pytest.raises(ltp_client.StillRunning):
        client.jobs.wait("j", timeout_s=0.3)


@pytest.mark.parametrize(
    ("ended", "kind", "code"),
    [
        (
            job("failed", error={"code": "training_diverged", "detail": "NaN"}),
            ltp_client.JobFailed,
            "training_diverged",
        ),
        (job("cancelled"), ltp_client.JobCancelled, "cancelled"),
    ],
)
def test_a_job_without_a_result_is_an_error(
    peer: Peer, connect: Connect, ended: dict[str, Any], kind: type[ltp_client.Error], code: str
) -> None:
    shown: list[Event] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        if handler.path.endswith("/events"):
            return answer(handler, 200, stream((1, "progress", {"step": 1}), (2, "done", {})), Content_Type=STREAM)
        return answer(handler, 200, ended)

    with connect(peer(respond)) as client, pytest.raises(kind) as caught:
        client.jobs.wait("j", progress=shown.append)
    assert caught.value.code == code
    assert [event.kind for event in shown] == ["progress", "done"]


TEXT = (
    ': ping\n\nid: 7\nevent: log\ndata: {"message":\ndata: "he\u2028llo \x85"}\n\n: ping\n\nevent: progress\ndata: {"st'
)
EVENTS = [Event("log", {"message": "he\u2028llo \x85"}, "7")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_the_same_in_whatever_pieces_they_come(end: str, size: int) -> None:
    """Lines end where the standard says; one event is cut off."""
    content = TEXT.replace("\n", end).encode()
    decoder = Decoder()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == EVENTS


@pytest.mark.parametrize("data", ["[1]", "4", "{", "over"])
def test_an_event_that_says_it_otherwise_is_passed_on(data: str) -> None:
    assert list(Decoder().feed(f"event: later\ndata: {data}\n\n".encode())) == [Event("later", {"data": data})]
