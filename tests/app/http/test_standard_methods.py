"""HEAD wherever GET is, OPTIONS everywhere, and 405 with what is possible."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from support.raw_connection import RawConnection
from support.registry_rows import make_ticket
from support.running_service import Service, refused

pytestmark = pytest.mark.process

OWN = {"date", "x-request-id"}
"""Headers that are another for every answer."""


def readable(service: Service) -> list[str]:
    """Every path of the API that GET answers, with ids of something that is there where it is easily made."""
    paths: dict[str, Any] = service.http.get("/openapi.json").json()["paths"]
    drift, ticket, job = make_ticket(service.app.state.db)
    ids = {"job_id": job.id, "ticket_id": ticket.id, "drift_id": drift.id}
    absent = "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"
    filled = []
    for path, operations in paths.items():
        if "get" in operations and not path.endswith("/events"):
            for name in ("job_id", "ticket_id", "drift_id", "adapter_id", "prediction_id", "key_id", "lang", "alias"):
                path = path.replace(f"{{{name}}}", ids.get(name, absent))
            filled.append(path)
    return [*filled, "/docs", "/openapi.json", "/docs/assets/swagger-ui.css", "/nowhere"]


def test_head_is_answered_as_get_is_without_the_body(service: Service) -> None:
    paths = readable(service)
    assert len(paths) > 15
    for path in paths:
        if path in ("/metrics", "/readyz"):
            continue  # they change from one moment to the next
        got, head = service.http.get(path), service.http.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        own = [{name: value for name, value in each.headers.items() if name not in OWN} for each in (got, head)]
        own[0].pop("transfer-encoding", None)  # says how the body is sent, which is not
        assert own[0] == own[1], path
    assert service.http.head("/readyz").status_code in (200, 503)
    assert service.http.head("/metrics").status_code == 200


def test_the_connection_goes_on_after_a_head(shared: Service) -> None:
    with RawConnection(shared.port) as wire:
        for _ in range(2):
            assert wire.head("HEAD", "/version").answer("HEAD").status_code == 200
        assert "version" in wire.head("GET", "/version").answer().json()


def test_a_stream_is_not_begun_for_its_head(service: Service) -> None:
    _, _, job = make_ticket(service.app.state.db)
    url = f"/jobs/{job.id}/events"
    service.http.timeout = 10
    head = service.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    with service.http.stream("GET", url) as got:
        assert {name for name in got.headers if name not in OWN} - {"transfer-encoding"} == set(head.headers) - OWN
        assert got.headers["Content-Type"] == head.headers["Content-Type"]
    refused(service.http.get(url.replace("events", "nothing")), 404, "route_not_found")
    assert "Content-Length" not in head.headers


def test_head_of_what_only_changes_things_is_405(shared: Service) -> None:
    response = shared.http.head("/predict")
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/predict", "OPTIONS, POST"),
        ("/tickets/x", "DELETE, GET, HEAD, OPTIONS"),
        ("/languages/sw/aliases/production", "DELETE, OPTIONS, PUT"),
    ],
)
def test_options_says_what_is_possible(shared: Service, path: str, allowed: str) -> None:
    response = shared.http.options(path)
    assert (response.status_code, response.content, response.headers["Allow"]) == (204, b"", allowed)
    assert "Access-Control-Allow-Origin" not in response.headers
    refused(shared.http.request("TRACE", path), 405, "method_not_allowed")


@pytest.mark.parametrize("line", [b"OPTIONS *", b"OPTIONS /nowhere", b"HEAD /nowhere", b"GET http://localhost/healthz"])
def test_odd_targets_are_answered(shared: Service, line: bytes) -> None:
    with RawConnection(shared.port) as wire:
        wire.send(line + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wire.socket.shutdown(socket.SHUT_WR)
        with wire.socket.makefile("rb") as stream:
            assert int(stream.readline().split()[1]) in (200, 204, 400, 404)
