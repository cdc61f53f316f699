"""What bodies are refused: too large, of the wrong type, not acceptable JSON, not valid, not complete."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import psutil
import pytest
from support.running_service import Service, refused, wait_until

PAIR = {"premise": "The dog runs.", "hypothesis": "A dog moves."}
EXAMPLE = {**PAIR, "label": "entailment"}
ABSENT = "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"
NARROW = {"prompt_length": 12, "max_length": 16}
JSON_ROUTES = {
    ("POST", "/predict"): {"lang": "en", "pairs": [PAIR]},
    ("POST", "/tickets"): {"corpus": {"texts": ["One line.", "Another."]}},
    ("POST", "/adapters"): {"lang": "en", "examples": [EXAMPLE]},
    ("PUT", "/languages/sw/aliases/production"): {"version": 1},
}
ROUTES = pytest.mark.parametrize(("method", "path"), JSON_ROUTES)


def send(service: Service, method: str, path: str, text: str | bytes):  # type: ignore[no-untyped-def]
    content = text.encode() if isinstance(text, str) else text
    return service.http.request(method, path, content=content, headers={"Content-Type": "application/json"})


def with_first_text(body: dict[str, object], literal: str) -> str:
    """The body as JSON with a raw literal in the place of its first leaf."""
    mark = "@@first@@"

    def replaced(value: object) -> object:
        if isinstance(value, dict):
            first = next(iter(value))
            return {**value, first: replaced(value[first])}
        return [replaced(value[0]), *value[1:]] if isinstance(value, list) else mark

    return json.dumps(replaced(body)).replace(f'"{mark}"', literal)


@ROUTES
@pytest.mark.parametrize(
    ("literal", "words"),
    [
        ('"a\\ud800b"', "lone surrogate"),
        ('"a\\u0000b"', "U+0000"),
        ("NaN", "NaN is not"),
        ("Infinity", "Infinity is not"),
        ("-Infinity", "-Infinity is not"),
        ("1e999", "too large"),
        ("9" * 5000, "too large"),
    ],
)
def test_values_json_cannot_carry_are_refused_with_their_path(
    shared: Service, method: str, path: str, literal: str, words: str
) -> None:
    body = refused(
        send(shared, method, path, with_first_text(JSON_ROUTES[method, path], literal)), 422, "invalid_request"
    )
    assert words in body["fields"][0]["message"]
    assert body["fields"][0]["path"]


@ROUTES
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{]",
        b"\xff\xfe{}",
        b'{"a":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[" * 100_000,
        b'{"a":1,"a":1}',
    ],
)
def test_malformed_json_is_refused(shared: Service, method: str, path: str, raw: bytes) -> None:
    refused(send(shared, method, path, raw), 422, "invalid_request")


@ROUTES
@pytest.mark.parametrize("text", ["null", "[]", '"text"', "3", "{}"])
def test_json_of_the_wrong_shape_is_refused(shared: Service, method: str, path: str, text: str) -> None:
    refused(send(shared, method, path, text), 422, "invalid_request")


@ROUTES
def test_unknown_fields_are_refused_by_name(shared: Service, method: str, path: str) -> None:
    response = send(shared, method, path, json.dumps({**JSON_ROUTES[method, path], "colour": "red"}))
    body = refused(response, 422, "invalid_request")
    assert body["fields"] == [{"path": "colour", "message": "there is no field of this name here"}]


@ROUTES
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/json",
        "application/json; charset=latin-1",
        "",
    ],
)
def test_other_media_types_are_refused(shared: Service, method: str, path: str, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = shared.http.request(method, path, content=b"{}", headers=headers)
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/predict", "/languages/sw/aliases/production"])
def test_multipart_is_refused_where_there_is_nothing_to_upload(shared: Service, path: str) -> None:
    method = "POST" if path == "/predict" else "PUT"
    response = shared.http.request(method, path, files={"request": (None, "{}")})
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/predict", {"lang": "en", "pairs": []}, "pairs"),
        ("POST", "/predict", {"lang": "en", "pairs": [PAIR, {**PAIR, "premise": " \t\n"}]}, "pairs.1.premise"),
        ("POST", "/predict", {"lang": "en", "pairs": [{**PAIR, "hypothesis": ""}]}, "pairs.0.hypothesis"),
        ("POST", "/predict", {"lang": "en", "pairs": [{**PAIR, "premise": "x" * 20_001}]}, "pairs.0.premise"),
        ("POST", "/predict", {"lang": "en", "pairs": [{**PAIR, "text": "x"}]}, "pairs.0.text"),
        ("POST", "/predict", {"lang": "en", "pairs": [{"premise": "x"}]}, "pairs.0.hypothesis"),
        ("POST", "/predict", {"lang": "en", "pairs": [{**PAIR, "premise": 3}]}, "pairs.0.premise"),
        ("POST", "/predict", {"pairs": [{**PAIR, "lang": "en"}, PAIR]}, "pairs.1"),
        ("POST", "/predict", {"lang": "en", "adapter": "en", "pairs": [PAIR]}, "adapter"),
        ("POST", "/predict", {"lang": "english!", "pairs": [PAIR]}, "lang"),
        ("POST", "/predict", {"adapter": "en@@2", "pairs": [PAIR]}, "adapter"),
        ("POST", "/predict", {"lang": "en", "pairs": [PAIR], "min_confidence": 1.5}, "min_confidence"),
        ("POST", "/predict", {"lang": "en", "pairs": [PAIR] * 10_001}, "pairs"),
        ("POST", "/tickets", {"drift": ABSENT, "corpus": {"builtin": "demo"}}, "corpus"),
        ("POST", "/tickets", {"drift": ABSENT, "strategy": "tied"}, "strategy"),
        ("POST", "/tickets", {"drift": ABSENT, "strategy": "decoupled"}, "strategy"),
        ("POST", "/tickets", {"drift": ABSENT, "mlm": {}}, "mlm"),
        ("POST", "/tickets", {"drift": "nonsense"}, "drift"),
        ("POST", "/tickets", {"active_ratio": 0.1}, "corpus"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "active_ratio": 0}, "active_ratio"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "active_ratio": "0.1"}, "active_ratio"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "layers": [1, 1]}, "layers"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "layers": [3]}, "layers"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "layers": []}, "layers"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "mlm": {"epochs": 0}}, "mlm.epochs"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "mlm": {"epochs": True}}, "mlm.epochs"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "mlm": {"speed": 1}}, "mlm.speed"),
        ("POST", "/tickets", {"corpus": {"builtin": "novel"}}, "corpus.builtin"),
        ("POST", "/tickets", {"corpus": {"texts": ["one line"]}}, "corpus.texts"),
        ("POST", "/tickets", {"corpus": {"texts": ["one line", " "]}}, "corpus.texts.1"),
        ("POST", "/tickets", {"corpus": {"builtin": "demo"}, "name": ""}, "name"),
        ("POST", "/adapters", {"lang": "en"}, "examples"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE]}, "examples"),
        ("POST", "/adapters", {"lang": "en", "examples": [{**EXAMPLE, "label": "yes"}]}, "examples.0.label"),
        ("POST", "/adapters", {"lang": "en", "examples": [{**EXAMPLE, "label": 3}]}, "examples.0.label"),
        ("POST", "/adapters", {"lang": "en", "examples": [{**EXAMPLE, "label": True}]}, "examples.0.label"),
        ("POST", "/adapters", {"lang": "en", "examples": [{**EXAMPLE, "premise": "\u2003"}]}, "examples.0.premise"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE], "training": {"epochs": 0}}, "training.epochs"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE], "alias": "Über"}, "alias"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE], "method": "xp"}, "method"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE], "seeds": 0}, "seeds"),
        ("POST", "/adapters", {"lang": "en", "examples": [EXAMPLE], "method": "pt", "ticket": ABSENT}, "ticket"),
        (
            "POST",
            "/adapters",
            {"lang": "en", "training": {"prompt_length": 12, "max_length": 16}},
            "training.max_length",
        ),
        ("PUT", "/languages/sw/aliases/production", {"version": 0}, "version"),
        ("PUT", "/languages/sw/aliases/production", {"version": "1"}, "version"),
    ],
)
def test_what_does_not_validate_is_refused_at_its_path(
    shared: Service, method: str, path: str, body: dict[str, object], field: str
) -> None:
    answer = refused(send(shared, method, path, json.dumps(body)), 422, "invalid_request")
    assert field in [fault["path"] for fault in answer["fields"]]
    assert "Traceback" not in answer["detail"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/languages/klingonish/aliases/production", "invalid_language"),
        ("/languages/sw/aliases/Production", "invalid_alias"),
        ("/languages/sw/aliases/%00", "invalid_alias"),
        ("/languages/%00/aliases/a", "invalid_language"),
    ],
)
def test_aliases_are_checked(shared: Service, path: str, code: str) -> None:
    refused(shared.http.put(path, json={"version": 1}), 422, code)
    refused(shared.http.delete(path), 422, code)


def test_a_declared_body_over_the_limit_is_refused_unread(shared: Service) -> None:
    head = [
        "POST /predict HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Content-Length: 99999999999",
    ]
    request = "\r\n".join([*head, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", shared.port)) as connection:
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/predict", "/tickets", "/adapters"])
def test_a_chunked_body_over_the_limit_is_refused_in_flat_memory(shared: Service, path: str) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(256):
            sent += 1 << 20
            yield b" " * (1 << 20)

    memory = psutil.Process().memory_info()
    response = shared.http.post(path, content=chunks(), headers={"Content-Type": "application/json"})
    refused(response, 413, "body_too_large")
    assert psutil.Process().memory_info().rss - memory.rss < 100 << 20


def test_a_part_over_its_limit_is_refused(shared: Service) -> None:
    big = b"a line of text\n" * 600_000
    files = {"examples": ("big.csv", big), "request": (None, '{"lang": "en"}')}
    body = refused(shared.http.post("/adapters", files=files), 413, "body_too_large")
    assert "examples" in body["detail"]


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ({"corpus": ("c.txt", b"one\ntwo\n")}, "request"),
        ({"corpus": ("c.txt", b"one\ntwo\n"), "request": (None, '{"colour": 1}')}, "colour"),
        ({"corpus": ("c.txt", b"one\ntwo\n"), "request": (None, '{"name": "a\\u0000"}')}, "name"),
        ({"corpus": ("c.txt", b"one\ntwo\n"), "request": (None, "{}"), "extra": (None, "x")}, "extra"),
        ({"corpus": ("c.txt", b"one\n\xff\xfe\n"), "request": (None, "{}")}, "corpus"),
        ({"corpus": ("c.txt", b"one\nt\0wo\n"), "request": (None, "{}")}, "corpus"),
        ({"corpus": ("c.txt", b"\n \n"), "request": (None, "{}")}, "corpus"),
        ({"corpus": ("c.txt", b"only one\n"), "request": (None, "{}")}, "corpus"),
        ({"corpus": ("c.txt", b"one\ntwo\n"), "request": (None, '{"corpus": {"builtin": "demo"}}')}, "corpus"),
        ({"corpus": ("c.txt", b"one\ntwo\n"), "request": (None, json.dumps({"drift": ABSENT}))}, "corpus"),
    ],
)
def test_uploaded_corpora_are_checked(shared: Service, files: dict[str, tuple[str | None, object]], field: str) -> None:
    body = refused(shared.http.post("/tickets", files=files), 422, "invalid_request")  # type: ignore[arg-type]
    assert body["fields"][0]["path"] == field


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"premise,hypothesis,label\nA.,B.,entailment\nC.,D.,perhaps\n", "line 3"),
        (b"premise,hypothesis,label\nA.,,entailment\n", "line 2"),
        (b'{"premise": "A.", "hypothesis": "B."}\n', "line 1"),
        (b"premise\thypothesis\tlabel\nA.\tB.\te\nC.\tD.\tn\n", "contradiction does not occur"),
        (b"\x80\x04K\x01.", "line 1"),
        (b"", "no"),
        (b'{"premise": "A.", "hypothesis": "' + b"x" * 5_000_000, "line 1"),
    ],
)
def test_uploaded_examples_are_refused_by_line(shared: Service, content: bytes, words: str) -> None:
    files = {"examples": ("pairs", content), "request": (None, '{"lang": "en"}')}
    body = refused(shared.http.post("/adapters", files=files), 422, "invalid_request")
    assert body["fields"][0]["path"] == "examples"
    assert words in body["detail"]


PART = b'--x\r\nContent-Disposition: form-data; name="request"\r\n'
ENCODED = PART + b"Content-Transfer-Encoding: base64\r\n\r\ne30=\r\n--x--\r\n"
TWICE = PART + b"\r\n{}\r\n" + PART + b"\r\n{}\r\n--x--\r\n"
ENDLESS_HEADERS = b"--x\r\n" + b"A: b\r\n" * 1000 + b"\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no boundary here",
        PART + b"\r\n{}",
        PART + b"\r\n{}\r\n--x\r\n",
        b"--x\r\n\r\n{}\r\n--x--\r\n",
        TWICE,
        ENCODED,
        ENDLESS_HEADERS,
    ],
)
@pytest.mark.parametrize("path", ["/tickets", "/adapters", "/predictions", "/adapters/import"])
def test_malformed_multipart_is_refused(shared: Service, raw: bytes, path: str) -> None:
    response = shared.http.post(path, content=raw, headers={"Content-Type": "multipart/form-data; boundary=x"})
    refused(response, 422, "invalid_request")
    response = shared.http.post(path, content=raw, headers={"Content-Type": "multipart/form-data"})
    refused(response, 422, "invalid_request")


def test_a_caller_who_leaves_in_the_middle_harms_nobody(shared: Service) -> None:
    def leave() -> None:
        with socket.create_connection(("127.0.0.1", shared.port)) as connection:
            connection.sendall(
                b"POST /tickets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            )

    threads = [threading.Thread(target=leave) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.http.get("/healthz").status_code == 200
    wait_until(lambda: not list((shared.settings.data_dir / "uploads").glob("*")), 10)
