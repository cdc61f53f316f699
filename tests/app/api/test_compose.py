"""Ticket arithmetic: adapters on one ticket added up to another one, which answers like any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.running_service import EXAMPLES, LINES, Service, refused, running, settings_for

pytestmark = pytest.mark.process

PAIRS = [{"premise": "the dog runs in the field", "hypothesis": "the dog is red"}]
TWO_WAY = [{**example, "label": "entailment" if example["label"] == 0 else "not_entailment"} for example in EXAMPLES]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with two adapters on one ticket, one on another, one with two labels, and one without a ticket."""
    directory = tmp_path_factory.mktemp("composed") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        first = service.make_ticket()
        accepted = service.http.post("/tickets", json={"drift": first["drift"], "active_ratio": 0.1})
        service.work()
        other = accepted.json()["ticket"]
        for lang, request in (
            ("en", {"ticket": first["id"]}),
            ("sw", {"ticket": first["id"], "training": {"seed": 3, "epochs": 3}}),
            ("es", {"ticket": other["id"]}),
            ("ha", {"ticket": first["id"], "examples": TWO_WAY}),
            ("yo", {"method": "pt"}),
        ):
            service.train(lang, **request)
        yield service


def composed(service: Service, terms: list[dict[str, Any]], **request: Any) -> dict[str, Any]:
    answer = service.http.post("/adapters/compose", json={"lang": "mul", "terms": terms, **request})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def probabilities(service: Service, reference: str) -> dict[str, float]:
    answer = service.http.post("/predict", json={"adapter": reference, "pairs": PAIRS})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["predictions"][0]["probabilities"])


def test_a_mean_is_an_adapter_like_any_other_and_says_what_it_is_made_of(made: Service) -> None:
    terms = [{"adapter": "en", "weight": 0.5}, {"adapter": "sw@1", "weight": 0.5}]
    adapter = composed(made, terms, alias="mean", name="both")
    assert (adapter["origin"], adapter["status"], adapter["aliases"]) == ("composed", "ready", ["mean"])
    assert (adapter["metrics"]["dev"], adapter["start"], adapter["name"]) == (None, None, "both")
    assert [(term["name"], term["weight"]) for term in adapter["training"]["terms"]] == [
        ("adapter en@1", 0.5),
        ("adapter sw@1", 0.5),
    ]
    (english,) = made.http.get("/adapters", params={"lang": "en"}).json()["items"]
    assert adapter["ticket"] == english["ticket"]
    mean = probabilities(made, "mul@mean")
    assert sum(mean.values()) == pytest.approx(1, abs=1e-5)
    assert mean not in (probabilities(made, "en"), probabilities(made, "sw"))
    again = made.train("ig", start=adapter["id"])
    assert again["start"]["id"] == adapter["id"]


def test_what_is_added_and_taken_away_again_leaves_the_first(made: Service) -> None:
    both = composed(made, [{"adapter": "en"}, {"adapter": "sw"}, {"adapter": "sw", "weight": -1.0}])
    assert probabilities(made, both["id"]) == pytest.approx(probabilities(made, "en"), abs=1e-3)


def test_a_languages_own_text_can_be_added(made: Service) -> None:
    (english,) = made.http.get("/adapters", params={"lang": "en"}).json()["items"]
    request = {"ticket": english["ticket"], "mlm": {"epochs": 1, "batch_size": 8}}
    text = "".join(f"{line}\n" for line in LINES).encode()
    files = {"corpus": ("text", text), "request": (None, json.dumps(request))}
    accepted = made.http.post("/languages/sw/text", files=files)
    assert accepted.status_code == 202, accepted.text
    made.work()
    delta = accepted.json()["language_delta"]["id"]
    adapter = composed(made, [{"language_delta": delta, "weight": 0.5}, {"adapter": "en"}])
    assert [term["name"] for term in adapter["training"]["terms"]] == ["text of sw@1", "adapter en@1"]
    assert probabilities(made, adapter["id"]) != probabilities(made, "en")
    alone = made.http.post("/adapters/compose", json={"lang": "mul", "terms": [{"language_delta": delta}]})
    assert "one at least is an adapter" in refused(alone, 422, "invalid_request")["detail"]


REFUSED: dict[str, tuple[list[dict[str, Any]], int, str, str]] = {
    "another ticket": (
        [{"adapter": "en"}, {"adapter": "es"}],
        422,
        "terms.1",
        "is on another ticket than",
    ),
    "other labels": ([{"adapter": "en"}, {"adapter": "ha"}], 422, "terms.1", "other labels or words"),
    "no ticket": ([{"adapter": "yo"}], 422, "terms.0", "was trained by method 'pt'"),
    "nothing left": ([{"adapter": "en"}, {"adapter": "en", "weight": -1}], 422, "terms", "a sum other than 0"),
    "nothing": ([], 422, "terms", "at least 1"),
    "both": ([{"adapter": "en", "language_delta": "x" * 8}], 422, "terms.0", ""),
    "neither": ([{"weight": 2}], 422, "terms.0", "either adapter or language_delta"),
    "unknown": ([{"adapter": "en@9"}], 404, "", "en@9"),
}


@pytest.mark.parametrize(("terms", "status", "path", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_together_is_refused(
    made: Service, terms: list[dict[str, Any]], status: int, path: str, words: str
) -> None:
    answer = made.http.post("/adapters/compose", json={"lang": "mul", "terms": terms})
    body = refused(answer, status, "invalid_request" if status == 422 else "adapter_not_found")
    assert words in body["detail"], body
    assert [field["path"].startswith(path) for field in body.get("fields", [])] in ([], [True], [True, True]), body
