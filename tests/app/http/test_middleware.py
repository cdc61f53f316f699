"""What holds for every request: hosts and origins, request ids, encodings, one shape of errors."""

from __future__ import annotations

import re

import pytest
from support.running_service import Service, refused

ABSENT = "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8000", "LOCALHOST:80", "[::1]"])
def test_loopback_names_are_served_with_any_port(shared: Service, host: str) -> None:
    assert shared.http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.168.1.5:8000",
        "",
        "localhost:x",
        "a@localhost",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/jobs", "/nowhere"])
def test_other_hosts_are_refused_everywhere(shared: Service, host: str, path: str) -> None:
    refused(shared.http.get(path, headers={"Host": host}), 403, "forbidden_host")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"])
def test_pages_of_this_machine_may_call(shared: Service, origin: str) -> None:
    assert shared.http.get("/jobs", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://", "http://"]
)
def test_foreign_pages_are_refused(shared: Service, origin: str) -> None:
    refused(shared.http.get("/jobs", headers={"Origin": origin}), 403, "forbidden_origin")


def test_request_ids_are_made_or_taken_over(shared: Service) -> None:
    first, second = (shared.http.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    assert re.fullmatch(r"[0-9a-f-]{36}", first)
    assert shared.http.get("/healthz", headers={"X-Request-ID": "mine-1.2:3"}).headers["X-Request-ID"] == "mine-1.2:3"
    for unfit in ("a b", "x" * 200, '"><script>', ""):
        assert shared.http.get("/nowhere", headers={"X-Request-ID": unfit}).headers["X-Request-ID"] != unfit


def test_unknown_paths_and_methods_have_the_usual_shape(shared: Service) -> None:
    refused(shared.http.get("/nowhere"), 404, "route_not_found")
    refused(shared.http.get("/jobs/"), 404, "route_not_found")
    refused(shared.http.get("/docs/assets/nothing.js"), 404, "route_not_found")
    for path, allowed in (
        ("/jobs", "GET, HEAD, OPTIONS"),
        ("/tickets", "GET, HEAD, OPTIONS, POST"),
        ("/languages/sw/aliases/a", "DELETE, OPTIONS, PUT"),
    ):
        response = shared.http.patch(path)
        refused(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == allowed
    refused(shared.http.request("PATCH", "/predict"), 405, "method_not_allowed")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "gzip, gzip"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("GET", "/jobs"), ("POST", "/adapters/import")])
def test_encoded_bodies_are_refused(shared: Service, encoding: str, method: str, path: str) -> None:
    response = shared.http.request(method, path, content=b"\x1f\x8b", headers={"Content-Encoding": encoding})
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path",
    ["jobs/{}", "tickets/{}", "drifts/{}", "adapters/{}", "predictions/{}", "jobs/{}/events", "tickets/{}/mask"],
)
@pytest.mark.parametrize("identifier", [ABSENT, "nonsense", "%00", "%ED%A0%80", "a" * 5000, "..%2f"])
def test_what_is_not_there_is_404(shared: Service, path: str, identifier: str) -> None:
    response = shared.http.get("/" + path.format(identifier))
    assert response.status_code == 404
    assert response.json()["error"].endswith("_not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("/jobs?limit=0", "limit"),
        ("/jobs?limit=201", "limit"),
        ("/jobs?limit=ten", "limit"),
        ("/jobs?status=lost", "status"),
        ("/jobs?stauts=queued", "stauts"),
        ("/jobs?cursor=%00", "cursor"),
        ("/adapters?lang=klingon-xx-yy", "lang"),
        ("/adapters?alias=UPPER", "alias"),
        ("/tickets?cursor=" + "x" * 300, "cursor"),
    ],
)
def test_queries_are_checked_and_typing_errors_show(shared: Service, query: str, field: str) -> None:
    body = refused(shared.http.get(query), 422, "invalid_request")
    assert [fault["path"] for fault in body["fields"]] == [field]


def test_a_cursor_that_is_none_is_refused(shared: Service) -> None:
    refused(shared.http.get("/jobs?cursor=abcdef"), 422, "invalid_cursor")
