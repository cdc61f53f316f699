"""Where a service is: addresses, keys and passwords, and what is asked there."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.peer import Respond, answer

import ltp_client

Peer = Callable[[Respond], str]
Connect = Callable[..., Any]


def test_a_service_below_a_path_is_asked_there_and_shown_the_key(peer: Peer, connect: Connect) -> None:
    seen: list[tuple[str, str | None]] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        seen.append((handler.path, handler.headers["Authorization"]))
        answer(handler, 200, {})

    with connect(f"{peer(respond)}/ltp/", api_key="secret") as client:
        client.connection.get("/jobs/j")
    assert seen == [("/ltp/jobs/j", "Bearer secret")]


def test_what_is_given_as_an_id_is_never_a_path_or_a_query(peer: Peer, connect: Connect) -> None:
    seen: list[str] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        seen.append(handler.path)
        answer(handler, 404, {"error": "job_not_found", "detail": "there is no such job", "request_id": "r"})

    with connect(f"{peer(respond)}/ltp") as client:
        for given in ("../keys", "j?all=true#x", "j%2e ñ", ".."):
            with pytest.raises(ltp_client.NotFound):
                client.jobs.get(given)
    assert seen == [f"/ltp/jobs/{path}" for path in ("%2E%2E/keys", "j%3Fall=true%23x", "j%252e%20%C3%B1", "%2E%2E")]


def test_the_password_of_an_address_is_sent_and_never_shown(
    peer: Peer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str | None] = []

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        seen.append(handler.headers["Authorization"])
        answer(handler, 502, b"")

    url = peer(respond).replace("//", "//me:pass%40word@")
    with caplog.at_level(logging.DEBUG), connect(url, attempts=1) as client:
        with pytest.raises(ltp_client.BadGateway) as caught:
            client.connection.get("/jobs")
        assert "word" not in client.url + str(caught.value) + caplog.text
    assert seen == ["Basic " + base64.b64encode(b"me:pass@word").decode()]


def test_a_password_beside_a_key_is_refused(connect: Connect) -> None:
    with (
        pytest.raises(ltp_client.InvalidConnection, match="only one of them can be sent"),
        connect("http://me:password@localhost:1", api_key="secret"),
    ):
        pass


def test_address_and_key_come_from_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTP_URL", "localhost:8123/below/")
    monkeypatch.setenv("LTP_API_KEY", "clé")
    with pytest.raises(ltp_client.InvalidConnection, match="at place 3"), connect(None):
        pass
    monkeypatch.delenv("LTP_API_KEY")
    with connect(None) as client:
        assert client.url == "http://localhost:8123/below"


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "http://host:x", "http://host/ui/#/start", "http://me:pass/word@h"]
)
def test_what_is_no_address_is_said(connect: Connect, url: str) -> None:
    with pytest.raises(ltp_client.InvalidConnection, match="is not an") as caught, connect(url):
        pass
    assert "pass" not in str(caught.value)
