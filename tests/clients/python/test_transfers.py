"""Files on their way, up and down: whole, sent and fetched again where that did not work, under their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support.peer import Respond, answer

import ltp_client

BUSY = {"error": "queue_full", "detail": "the queue is full; try again", "request_id": "r-1"}
Peer = Callable[[Respond], str]
Connect = Callable[..., Any]


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


def test_a_download_names_the_file_that_cannot_be(peer: Peer, connect: Connect, tmp_path: Path) -> None:
    with connect(peer(lambda handler, _: answer(handler, 200, b"content"))) as client:
        for target, kind in ((tmp_path / "none" / "mask", FileNotFoundError), (tmp_path, IsADirectoryError)):
            with pytest.raises(kind) as caught:
                client.connection.save("/tickets/t/mask", target)
            assert caught.value.filename == str(target)
        assert client.connection.save("/tickets/t/mask", tmp_path / ("x" * 255)) == 7


def test_a_result_is_asked_for_again_like_everything_else(peer: Peer, connect: Connect) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        if not number:
            return answer(handler, 503, BUSY, Retry_After="0.1")
        return answer(
            handler, 200, b"premise;label;answered_by;fallback\na;neutral;sw@1;false\n", Content_Type="text/csv"
        )

    with connect(peer(respond), on_wait=lambda _: None) as client:
        assert [row["label"] for row in client.predictions.rows("p")] == ["neutral"]


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
