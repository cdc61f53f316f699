"""A service that leaves: unready first, deaf next, and gone when everything accepted is answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.raw_connection import RawConnection
from support.running_service import LINES, Service, refused, running, settings_for, wait_until

from app.cli.client import Client
from app.cli.events import follow
from app.settings import Settings
from ltp_client.events import Event

pytestmark = pytest.mark.process

BODY = b'{"lang": "sw", "pairs": [{"premise": "a", "hypothesis": "b"}], "why": 1}'
Open = Callable[..., Service]


@pytest.fixture
def serve(tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(settings: Settings | None = None, **changes: Any) -> Service:
            if settings is None:
                settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, **changes)
            return stack.enter_context(running(settings))

        yield opened


def half_a_request(service: Service) -> RawConnection:
    """A request that is accepted, and whose body has not come."""
    wire = RawConnection(service.port)
    wire.head("POST", "/predict", content_type="application/json", content_length=str(len(BODY)))
    wait_until(lambda: any(not connection._idle for connection in service.server._connections), 10)
    return wire


def deaf(service: Service) -> bool:
    """Whether the port is closed."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", service.port)) != 0


def test_unready_first_but_answering(serve: Open) -> None:
    service = serve(drain_s=1.5)
    with RawConnection(service.port) as known, RawConnection(service.port) as idle:
        assert "Connection" not in known.head("GET", "/version").answer().headers
        idle.head("GET", "/version").answer()
        service.server.leave()
        unready = service.http.get("/readyz")
        refused(unready, 503, "not_ready")
        assert int(unready.headers["Retry-After"]) >= 1
        answer = known.head("GET", "/version").answer()
        assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        assert known.is_closed()
        assert service.http.get("/version").headers["Connection"] == "close"
        assert idle.is_closed()
    service.thread.join(20)
    assert not service.thread.is_alive()
    assert deaf(service)


def test_what_was_accepted_is_answered_after_the_door_is_shut(serve: Open) -> None:
    service = serve()
    with half_a_request(service) as wire:
        service.server.leave()
        wait_until(lambda: deaf(service), 10)
        answer = wire.send(BODY).answer()
        refused(answer, 422, "invalid_request")
        assert answer.headers["Connection"] == "close"
        assert wire.is_closed()
    service.thread.join(20)
    assert not service.thread.is_alive()


def test_what_does_not_end_in_time_is_refused_with_a_word(serve: Open) -> None:
    service = serve(grace_s=0.3)
    with half_a_request(service) as wire, RawConnection(service.port) as half_a_head:
        half_a_head.send("GET /version HT")
        wait_until(lambda: any(connection._client_sending for connection in service.server._connections), 10)
        service.server.leave()
        for cut_off in (wire, half_a_head):
            answer = cut_off.answer()
            refused(answer, 503, "not_ready")
            assert int(answer.headers["Retry-After"]) >= 1
            assert "shutting down" in answer.json()["detail"]
    service.thread.join(20)
    assert not service.thread.is_alive()


def test_each_further_signal_ends_a_wait(serve: Open) -> None:
    service = serve(drain_s=600, grace_s=600)
    with half_a_request(service) as wire:
        service.server.leave()
        assert service.http.get("/readyz").status_code == 503
        assert not deaf(service)
        service.server.leave()
        wait_until(lambda: deaf(service), 10)
        assert not wire.has_answered()
        service.server.leave()
        refused(wire.answer(), 503, "not_ready")
    service.thread.join(20)
    assert not service.thread.is_alive()


def test_no_request_on_its_way_in_is_lost(serve: Open) -> None:
    """On connections that are idle, just made, or not even accepted, when the listener is about to close."""
    service = serve()
    with ExitStack() as stack:
        wires = [stack.enter_context(RawConnection(service.port)) for _ in range(30)]
        for wire in wires[:10]:
            assert wire.head("GET", "/version").answer().status_code == 200
        wait_until(lambda: len(service.server._connections) == 30, 10)
        one = service.server._connections[0]
        busy = threading.Event()
        one.loop.call_soon_threadsafe(lambda: (busy.set(), time.sleep(0.5)))
        assert busy.wait(10)
        wires += [stack.enter_context(RawConnection(service.port)) for _ in range(10)]
        service.server.leave()
        for wire in wires:
            wire.head("GET", "/version")
        assert [wire.answer().status_code for wire in wires] == [200] * 40
    service.thread.join(20)
    assert not service.thread.is_alive()


def test_who_connects_is_answered_until_nobody_can_connect(serve: Open) -> None:
    service = serve()
    answers: list[int] = []
    faults: list[Exception] = []

    def ask_again_and_again() -> None:
        with httpx.Client(headers={"Connection": "close"}, timeout=60, trust_env=False) as http:
            while True:
                try:
                    answers.append(http.get(f"{service.url}/version").status_code)
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    faults.append(error)
                    return

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(ask_again_and_again) for _ in range(16)]
        wait_until(lambda: len(answers) > 100, 30)
        service.server.leave()
        for client in clients:
            client.result(60)
    assert faults == []
    assert set(answers) == {200}


def test_a_connection_just_made_may_still_ask(serve: Open) -> None:
    service = serve()
    with RawConnection(service.port) as wire:
        service.server.leave()
        wait_until(lambda: deaf(service), 10)
        time.sleep(0.3)
        assert wire.head("GET", "/version").answer().status_code == 200
        assert wire.is_closed()


def test_an_idle_connection_is_not_closed_over_a_request_that_has_just_arrived(serve: Open) -> None:
    service = serve()
    for close in ("timeout_keep_alive_handler", "shutdown"):
        with RawConnection(service.port) as wire:
            assert wire.head("GET", "/version").answer().status_code == 200
            (connection,) = service.server._connections
            busy, asked = threading.Event(), threading.Event()

            def late(act: Callable[[], None], busy: threading.Event, asked: threading.Event) -> None:
                busy.set()
                assert asked.wait(10)
                act()

            connection.loop.call_soon_threadsafe(late, getattr(connection, close), busy, asked)
            assert busy.wait(10)
            wire.head("GET", "/version")
            asked.set()  # the loop has not looked for a while, and has this connection to close
            assert wire.answer().status_code == 200
        wait_until(lambda: not service.server._connections, 10)


def test_event_streams_end_without_done_and_a_watching_command_goes_on_elsewhere(serve: Open) -> None:
    first = serve(drain_s=1)
    port = first.port
    wait_until(lambda: first.http.get("/backbone").status_code == 200, 60)
    accepted = first.http.post("/tickets", json={"corpus": {"texts": LINES}, "mlm": {"epochs": 1, "batch_size": 8}})
    job_id = accepted.json()["job"]["id"]
    seen: list[Event] = []

    def watch() -> None:
        with Client(f"http://127.0.0.1:{port}") as client:
            seen.extend(follow(client, job_id))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    with httpx.stream("GET", f"{first.url}/jobs/{job_id}/events", timeout=60, trust_env=False) as stream:
        first.server.leave()
        assert "event: done" not in stream.read().decode()
    first.thread.join(20)
    assert watcher.is_alive()
    second = serve(first.settings.model_copy(update={"port": port}))
    wait_until(lambda: second.http.get("/backbone").status_code == 200, 60)
    second.work()
    watcher.join(60)
    assert [event.kind for event in seen][-1] == "done"
    assert seen[-1].data["status"] == "succeeded"
    assert len({event.id for event in seen}) == len(seen), "no event comes twice"
