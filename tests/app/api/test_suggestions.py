"""What to label next, over the API: from a file of unlabelled pairs, by the adapter's own answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.running_service import Service, refused

pytestmark = pytest.mark.process

WORDS = ("dog", "cat", "horse", "bird", "cow", "man", "woman", "boy", "girl", "farmer")
ROWS = [
    {"premise": f"the {word} runs", "hypothesis": f"the {word} is {what}"}
    for word in WORDS
    for what in ("red", "sleeping", "not old")
]


@pytest.fixture(scope="module")
def adapter(trained: Service) -> str:
    return str(trained.http.get("/adapters?lang=en&alias=production").json()["items"][0]["id"])


def suggest(service: Service, adapter: str, rows: list[dict[str, str]] = ROWS, **request: Any) -> httpx.Response:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    files = {"file": ("pool.jsonl", content), "request": (None, json.dumps(request))}
    return service.http.post(f"/adapters/{adapter}/suggestions", files=files)


def test_pairs_come_with_what_the_adapter_takes_them_for(trained: Service, adapter: str) -> None:
    answer = suggest(trained, adapter, n=6, strategy="uncertain").json()
    assert (answer["pairs"], answer["judged"], answer["adapter"]["id"]) == (30, 30, adapter)
    assert len({item["premise"] for item in answer["items"]}) == 6
    for item in answer["items"]:
        assert ROWS[item["line"] - 1] == {"premise": item["premise"], "hypothesis": item["hypothesis"]}
        body = {"adapter": adapter, "pairs": [ROWS[item["line"] - 1]]}
        (alone,) = trained.http.post("/predict", json=body).json()["predictions"]
        assert item["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)
        first, second, _ = sorted(item["probabilities"].values(), reverse=True)
        assert item["score"] == pytest.approx(1 - (first - second), abs=1e-5)
    assert suggest(trained, adapter, n=6, strategy="uncertain").json()["items"] == answer["items"]


def test_random_ones_and_a_small_pool(trained: Service, adapter: str) -> None:
    drawn = [suggest(trained, adapter, n=5, strategy="random", seed=seed).json()["items"] for seed in (1, 2)]
    assert [len(items) for items in drawn] == [5, 5]
    assert {item["line"] for item in drawn[0]} != {item["line"] for item in drawn[1]}
    assert len(suggest(trained, adapter, ROWS[:3], n=50).json()["items"]) == 3


def test_what_cannot_be_chosen_from_is_refused(trained: Service, adapter: str) -> None:
    for body in ({"n": 0}, {"n": 1001}, {"strategy": "best"}, {"n": 1, "lang": "sw"}):
        refused(suggest(trained, adapter, **body), 422, "invalid_request")
    refused(suggest(trained, adapter, []), 422, "invalid_request")
    told = refused(suggest(trained, adapter, [*ROWS[:2], {"premise": "x"}]), 422, "invalid_request")["detail"]
    assert "line 3" in told
    refused(suggest(trained, "0199f3c4-3b1d-7a52-8e0b-4d2c1b0a9f55"), 404, "adapter_not_found")
