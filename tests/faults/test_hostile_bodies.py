"""Cases 18 to 21: bodies that bomb, nest, lie and break lines, sent to every route that takes one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.registry_rows import finish_adapter, make_adapter, make_ticket, take
from support.running_service import EXAMPLES, Service, refused, running, settings_for

pytestmark = pytest.mark.process

PARTS = {
    "/tickets": "corpus",
    "/adapters": "examples",
    "/predictions": "file",
    "/adapters/import": "file",
    "/data/check": "file",
    "/languages/{lang}/text": "corpus",
    "/adapters/{adapter_id}/suggestions": "file",
}
"""Where each upload takes its file."""
NO_LANG = {"/tickets", "/adapters/{adapter_id}/suggestions"}
"""Uploads whose request names no language."""
DEEP = "[" * 100_000
POISON = [
    '"a\\ud800b"',
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    '"a\\u0000b"',
    DEEP + "]" * 100_000,
    '{"a":' * 100_000,
    "9" * 10_000,
]
LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("hostile") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as started:
        started.wait_ready()
        _, _, job = make_ticket(started.app.state.db)
        assert started.http.post(f"/jobs/{job.id}/cancel").status_code == 202
        _, job = make_adapter(started.app.state.db)
        finish_adapter(started.app.state.db, take(started.app.state.db, job_id=job.id))
        yield started


@pytest.fixture(autouse=True)
def _nothing_is_begun(service: Service) -> Iterator[None]:
    """Whatever a test sent, no job came of it and the service is well."""
    yield
    assert service.http.get("/jobs?status=queued").json()["items"] == []
    assert service.http.get("/healthz").status_code == 200


def routes_with_body(service: Service) -> list[tuple[str, str, set[str]]]:
    """Method, path and media types of every operation that takes a body."""
    paths = service.http.get("/openapi.json").json()["paths"]
    return [
        (method, path, set(content))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if (content := operation.get("requestBody", {}).get("content"))
    ]


def filled(service: Service, path: str) -> str:
    """A path with the names of what is there."""
    named = {what: service.http.get(f"/{what}s").json()["items"][0]["id"] for what in ("ticket", "adapter")}
    return path.format(lang="sw", alias="a", **{f"{what}_id": identifier for what, identifier in named.items()})


def upload(service: Service, path: str, content: bytes, request: str | None = None) -> httpx.Response:
    usual = "{}" if path in NO_LANG else '{"lang": "en"}'
    files = {PARTS[path]: ("upload", content), "request": (None, usual if request is None else request)}
    return service.http.post(filled(service, path), files=files)


def test_every_route_that_takes_a_body_is_known(service: Service) -> None:
    found = routes_with_body(service)
    assert len(found) >= 7
    assert {path for _, path, types in found if "multipart/form-data" in types} == set(PARTS)


@pytest.mark.parametrize("poison", POISON, ids=lambda text: text[:12])
def test_case_19_what_json_cannot_carry_is_422_on_every_route(service: Service, poison: str) -> None:
    for method, path, types in routes_with_body(service):
        for body in (poison, f'{{"lang": {poison}}}', f'{{"name": [{poison}]}}'):
            if "application/json" in types:
                headers = {"Content-Type": "application/json"}
                refused(
                    service.http.request(method, filled(service, path), content=body, headers=headers),
                    422,
                    "invalid_request",
                )
            if "multipart/form-data" in types:
                refused(upload(service, path, b"x", request=body), 422, "invalid_request")


def test_case_18_a_packed_body_is_415_before_it_is_read(service: Service) -> None:
    bomb = gzip.compress(b" " * (256 << 20))
    for method, path, types in routes_with_body(service):
        for encoding in ("gzip", "deflate", "br", "zstd"):
            headers = {"Content-Type": min(types), "Content-Encoding": encoding}
            response = service.http.request(method, filled(service, path), content=bomb, headers=headers)
            refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", PARTS)
def test_case_18_a_packed_file_is_never_unpacked(service: Service, path: str) -> None:
    bomb = gzip.compress(b"one line of text\n" * (4 << 20))
    before = psutil.Process().memory_info().rss
    code = "corrupt_artifact" if path == "/adapters/import" else "invalid_request"
    body = refused(upload(service, path, bomb), 422, code)
    assert psutil.Process().memory_info().rss - before < 64 << 20
    assert body["detail"]


@pytest.mark.parametrize("path", ["/adapters", "/predictions"])
@pytest.mark.parametrize("line", [DEEP, '{"premise":' * 100_000, '{"premise": ' + DEEP + "]" * 100_000 + "}"])
def test_case_18_a_line_nested_without_end_is_named(service: Service, path: str, line: str) -> None:
    first = json.dumps({"premise": "A.", "hypothesis": "B.", "label": 0})
    body = refused(upload(service, path, f"{first}\n{line}\n".encode()), 422, "invalid_request")
    assert "line 2" in body["detail"]


GOOD = b'{"premise": "A.", "hypothesis": "B.", "label": 0}\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD + b'{"premise": "A.", "hypothesis": "\xff", "label": 1}\n', "line 2"),
        (GOOD + b'{"premise": "A.", "hypothesis": "\xed\xa0\x80", "label": 1}\n', "line 2"),
        (GOOD + b'{"premise": "A.", "premise": "C.", "hypothesis": "B.", "label": 1}\n', "line 2"),
        (GOOD + b'{"premise": "A.", "hypothesis": "B.", "label": NaN}\n', "line 2"),
        (GOOD + b'{"premise": "A\\u0000", "hypothesis": "B.", "label": 1}\n', "line 2"),
        (GOOD * 2 + b'{"premise": "A.", "hypothesis": "B.", "label": 1', "line 3"),
        (b"premise,hypothesis,label\r\nA.,B.,0\r\nC.,\xff,1\r\n", "line 3"),
        (b'premise,hypothesis,label\nA.,B.,0\nC.,"never closed,1\n', "line"),
    ],
)
def test_case_20_a_bad_line_is_named(service: Service, content: bytes, words: str) -> None:
    assert words in refused(upload(service, "/adapters", content), 422, "invalid_request")["detail"]


@pytest.mark.parametrize("path", ["/adapters", "/tickets"])
def test_case_20_a_line_of_fifty_megabytes_is_refused_in_bounded_memory(service: Service, path: str) -> None:
    line = b'{"premise": "A.", "hypothesis": "' + b"x" * 50_000_000 + b'", "label": 0}\n'
    before = psutil.Process().memory_info().rss
    response = upload(service, path, line)
    assert response.status_code in (413, 422), response.text
    assert response.json()["error"] in ("body_too_large", "invalid_request")
    assert psutil.Process().memory_info().rss - before < 256 << 20, "the client, in this process, holds some of it"


def labelled(*labels: object) -> list[dict[str, Any]]:
    return [{"premise": f"Premise {index}.", "hypothesis": "B.", "label": label} for index, label in enumerate(labels)]


@pytest.mark.parametrize(
    "examples",
    [
        labelled("perhaps", *LABELS * 2),
        labelled(*[3], *LABELS * 2),
        labelled(*["neutral"] * 8),
        labelled(*["neutral", "entailment"] * 4),
        labelled(),
        labelled("entailment"),
    ],
    ids=["unknown label", "label 3", "one class", "two classes", "none", "one example"],
)
def test_case_21_what_cannot_be_trained_on_is_refused_before_anything_starts(
    service: Service, examples: list[dict[str, Any]]
) -> None:
    body = {"lang": "en", "method": "pt", "examples": examples}
    refused(service.http.post("/adapters", json=body), 422, "invalid_request")
    lines = "".join(json.dumps(example) + "\n" for example in examples)
    request = json.dumps({"lang": "en", "method": "pt"})
    refused(upload(service, "/adapters", lines.encode(), request), 422, "invalid_request")


def test_case_20_byte_order_marks_and_windows_line_ends_are_taken(service: Service) -> None:
    rows = "".join(f"{each['premise']},{each['hypothesis']},{each['label']}\r\n" for each in EXAMPLES)
    lines = "".join(json.dumps(each) + "\r\n" for each in EXAMPLES)
    for text in ("premise,hypothesis,label\r\n" + rows, lines):
        response = upload(service, "/adapters", b"\xef\xbb\xbf" + text.encode(), '{"lang": "en", "method": "pt"}')
        assert response.status_code == 202, response.text
        assert response.json()["adapter"]["examples"]["train"] == len(EXAMPLES)
        job = response.json()["job"]["id"]
        assert service.http.post(f"/jobs/{job}/cancel").status_code == 202
