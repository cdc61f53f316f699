"""Refusing is cheap: memory near the size of the body, a few faults of a few words, whatever is sent and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.peak_memory import peak_mb
from support.running_service import EXAMPLES, Service, refused

pytestmark = pytest.mark.process

SIZE = 4_000_000
TIMES = 12
"""Ten, and what the client, which is in this process, holds."""
LONGEST, MOST = 2_000, 20
GOOD = json.dumps(EXAMPLES[0] | {"premise": "The farmer walks to the market with a cow."})


def filled(head: str, element: Callable[[int], str], tail: str) -> bytes:
    elements = [element(number) for number in range(SIZE // len(element(1000)))]
    return (head + ",".join(elements) + tail).encode()


SHAPES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty pairs": ("/predict", lambda: filled('{"pairs":[', lambda _: "{}", "]}")),
    "new languages": (
        "/predict",
        lambda: filled('{"pairs":[', lambda n: f'{{"lang":"sw-x-{n:08d}","premise":"a","hypothesis":"b"}}', "]}"),
    ),
    "a pair of tiny keys": ("/predict", lambda: filled('{"pairs":[{', lambda n: f'"{n:x}":0', "}]}")),
    "nested": ("/predict", lambda: b'{"pairs":' * (SIZE // 9)),
    "a text for the pairs": ("/predict", lambda: ('{"pairs":"' + "é😀" * (SIZE // 6) + '"}').encode()),
    "a key": ("/predict", lambda: ('{"' + "😀" + "x" * SIZE + '":1}').encode()),
    "unknown fields": ("/adapters", lambda: filled("{", lambda n: f'"{n:x}":0', "}")),
    "a long name": ("/adapters", lambda: ('{"lang":"en","name":"' + "x" * SIZE + '😀"}').encode()),
    "lists for examples": ("/adapters", lambda: filled('{"lang":"en","examples":[', lambda _: "[]", "]}")),
    "texts for examples": (
        "/adapters",
        lambda: filled('{"lang":"en","dev_examples":[', lambda n: f'"example number {n}"', "]}"),
    ),
    "good examples and a bad one": (
        "/adapters",
        lambda: filled('{"lang":"en","examples":[', lambda _: GOOD, ',{"premise":"a"}]}'),
    ),
    "one number": ("/tickets", lambda: b'{"active_ratio":' + b"9" * SIZE + b"}"),
    "tiny lines": ("/tickets", lambda: filled('{"corpus":{"texts":[', lambda n: f'"{n:x}"', "]}}")),
    "blank lines": ("/tickets", lambda: filled('{"corpus":{"texts":[', lambda _: '"' + " " * 60 + '"', "]}}")),
    "layers": ("/tickets", lambda: filled('{"layers":[', lambda n: f'"layer {n}"', "]}")),
    "a version of lists": ("/languages/sw/aliases/production", lambda: filled('{"version":[', lambda _: "[]", "]}")),
}


def check(body: dict[str, Any]) -> None:
    assert len(body["detail"]) <= LONGEST
    assert len(body.get("fields", [])) <= MOST
    assert all(len(fault["path"]) + len(fault["message"]) <= LONGEST for fault in body.get("fields", []))


@pytest.mark.parametrize("shape", SHAPES)
def test_refusing_a_body_takes_memory_near_its_size_and_few_words(shared: Service, shape: str) -> None:
    path, make = SHAPES[shape]
    body, answers = make(), []
    method = "PUT" if "aliases" in path else "POST"
    headers = {"Content-Type": "application/json"}
    grown = peak_mb(lambda: answers.append(shared.http.request(method, path, content=body, headers=headers)))
    check(refused(answers[0], 422, "invalid_request"))
    assert len(answers[0].content) < 20_000
    assert grown * 1e6 <= TIMES * len(body), f"{grown:.0f} MB for {len(body):,} bytes"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/adapters?" + "&".join(f"{number:x}=1" for number in range(9_000))),
        ("GET", "/adapters?cursor=" + "x" * 50_000),
        ("GET", "/" + "x" * 50_000),
        ("PATCH", "/adapters/" + "x" * 50_000),
        ("GET", "/adapters/" + "x" * 50_000),
        ("PUT", "/languages/" + "x" * 30_000 + "/aliases/production"),
        ("PUT", "/languages/sw/aliases/" + "x" * 50_000),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_wrong_with_a_long_url_is_told_in_few_words(shared: Service, method: str, path: str) -> None:
    response = shared.http.request(method, path, json={"version": 1} if method == "PUT" else None)
    assert response.status_code in (404, 405, 422), response.text
    check(response.json())
    assert len(response.content) < 20_000


def test_a_name_of_a_part_or_a_type_is_quoted_shortly(shared: Service) -> None:
    long = "x" * 50_000
    files = {long[:7_000]: ("a", b"a"), "request": (None, "{}")}
    check(refused(shared.http.post("/tickets", files=files), 422, "invalid_request"))
    for headers in ({"Content-Type": f"text/{long}"}, {"Content-Type": "text/plain", "Content-Encoding": long}):
        check(refused(shared.http.post("/tickets", content=b"{}", headers=headers), 415, "unsupported_media_type"))


def test_a_refusal_of_ten_thousand_pairs_names_twenty_faults(shared: Service) -> None:
    pairs = [{"premise": "", "hypothesis": 3, "lang": "en"}] * 10_000
    body = refused(shared.http.post("/predict", json={"pairs": pairs}), 422, "invalid_request")
    assert len(body["fields"]) == MOST
    assert [fault["path"] for fault in body["fields"][:4]] == [
        "pairs.0.premise", "pairs.0.hypothesis", "pairs.1.premise", "pairs.1.hypothesis"
    ]  # fmt: skip
    too_many = refused(shared.http.post("/predict", json={"pairs": [*pairs, *pairs[:1000]]}), 422, "invalid_request")
    assert [fault["path"] for fault in too_many["fields"]] == ["pairs"]
    assert "11,000 are too many; at most 10,000" in too_many["detail"]
