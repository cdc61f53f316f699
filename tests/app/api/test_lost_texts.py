"""Texts of which the model is told nothing, or less than was sent: counted, warned of, refused; and what cannot fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.running_service import EXAMPLES, LINES, Service, refused

pytestmark = pytest.mark.process

SANTALI = [
    {"premise": f"ᱟᱢ ᱪᱮᱫ {'ᱮᱢ ' * count}᱾", "hypothesis": f"ᱠᱟᱢᱤ ᱠᱟᱱᱟ {label}.", "label": label}
    for count in range(1, 4)
    for label in range(3)
]
PAIR = {"premise": "the dog runs in the field", "hypothesis": "the dog is sleeping"}
UNKNOWN_PAIR = {name: SANTALI[0][name] for name in ("premise", "hypothesis")}


def upload(rows: list[dict[str, Any]], **request: Any) -> dict[str, Any]:
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return {"file": ("pairs.jsonl", content.encode()), "request": (None, json.dumps(request))}


def messages(service: Service, job: str) -> list[str]:
    text = service.http.get(f"/jobs/{job}/events").text
    data = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    return [each["message"] for each in data if "message" in each]


def test_a_corpus_of_unknown_words_is_refused_with_its_characters(trained: Service) -> None:
    texts = [row["premise"] for row in SANTALI]
    body = refused(trained.http.post("/tickets", json={"corpus": {"texts": texts}}), 422, "invalid_request")
    assert "ᱟ" in body["detail"]
    files = {"corpus": ("c.txt", "\n".join(texts).encode()), "request": (None, "{}")}
    assert body["fields"] == refused(trained.http.post("/tickets", files=files), 422, "invalid_request")["fields"]
    assert body["fields"][0]["path"] == "corpus"


@pytest.mark.parametrize("part", ["examples", "dev_examples", "test_examples"])
def test_examples_of_unknown_words_are_refused_in_their_part(trained: Service, part: str) -> None:
    body = {"lang": "sat", "examples": EXAMPLES} | {part: SANTALI}
    answer = refused(trained.http.post("/adapters", json=body), 422, "invalid_request")
    assert [field["path"] for field in answer["fields"]] == [part]
    assert "ᱟ" in answer["detail"]


def test_a_file_of_unknown_words_is_refused(trained: Service) -> None:
    files = upload([UNKNOWN_PAIR, UNKNOWN_PAIR], lang="en")
    answer = refused(trained.http.post("/predictions", files=files), 422, "invalid_request")
    assert answer["fields"][0]["path"] == "file"


def test_a_pair_of_unknown_words_is_marked_among_others_and_refused_alone(trained: Service) -> None:
    mixed = {"premise": "the dog ᱟᱢ ᱪᱮᱫ", "hypothesis": "the dog"}
    body = {"lang": "en", "pairs": [PAIR, UNKNOWN_PAIR, mixed]}
    found = trained.http.post("/predict", json=body).json()["predictions"]
    assert [prediction["unknown"] for prediction in found] == [0, 1, pytest.approx(2 / 6, abs=1e-6)]

    answer = refused(
        trained.http.post("/predict", json={"lang": "en", "pairs": [UNKNOWN_PAIR] * 2}), 422, "invalid_request"
    )
    assert answer["fields"][0]["path"] == "pairs"
    assert "ᱟ" in answer["detail"]


def test_a_file_with_unknown_words_says_how_many(trained: Service) -> None:
    accepted = trained.http.post("/predictions", files=upload([PAIR, UNKNOWN_PAIR], lang="en")).json()
    trained.work()
    summary = trained.http.get(f"/predictions/{accepted['prediction']['id']}").json()["summary"]
    assert summary["unknown"] == 1
    assert 0.2 < summary["unknown_share"] < 0.7
    assert "of the pairs are not in the backbone's vocabulary (ᱟ" in summary["warnings"][0]
    assert summary["warnings"] == messages(trained, accepted["job"]["id"])


def test_a_corpus_says_what_was_lost_of_it(trained: Service) -> None:
    lines = [*LINES, *(f"{line} ᱟᱢ" for line in LINES[:8]), "the dog runs in the field " * 8]
    mlm = {"epochs": 1, "max_length": 16, "long_lines": "cut"}
    body = {"corpus": {"texts": lines}, "mlm": mlm, "active_ratio": 0.3}
    accepted = trained.http.post("/tickets", json=body).json()
    trained.work()
    drift = trained.http.get(f"/drifts/{accepted['ticket']['drift']}").json()
    report = drift["report"]
    assert drift["text_form"] == 1
    assert report["truncated"] == 1
    assert report["long_lines"] == {"split": 0, "examples": 27, "tokens_cut": 58, "share": 0.154255}
    assert report["unknown"]["tokens"] == 8
    assert 0.02 < report["unknown"]["share"] < 0.06
    cut, unknown = report["warnings"]
    assert cut.startswith("1 of 27 lines of the corpus are longer than 16 tokens")
    assert "of the corpus are not in the backbone's vocabulary (ᱟ ᱢ)" in unknown
    assert messages(trained, accepted["job"]["id"]) == report["warnings"]


def test_a_corpus_with_a_document_a_line_is_read_whole(trained: Service) -> None:
    lines = [*LINES, " ".join("the dog runs in the field." for _ in range(40))]
    body = {"corpus": {"texts": lines}, "mlm": {"epochs": 1, "max_length": 16}, "active_ratio": 0.3}
    accepted = trained.http.post("/tickets", json=body).json()
    trained.work()
    report = trained.http.get(f"/drifts/{accepted['ticket']['drift']}").json()["report"]
    assert report["long_lines"] == {"split": 1, "examples": len(LINES) + 40, "tokens_cut": 0, "share": 0.0}
    assert report["lines"]["train"] + report["lines"]["validation"] == len(LINES) + 40
    assert (report["truncated"], report["warnings"]) == (0, [])


def test_an_adapter_says_what_repeats_leaks_and_is_lost(trained: Service) -> None:
    contradicting = [{**each, "label": (each["label"] + 1) % 3} for each in EXAMPLES]
    lost = [{"premise": "the dog ᱟᱢ ᱪᱮᱫ", "hypothesis": "the dog " * 40, "label": 0}]
    body = {
        "lang": "gn",
        "method": "pt",
        "conflicts": "keep",
        "examples": [*EXAMPLES, *contradicting, *lost],
        "dev_examples": EXAMPLES[:3],
        "training": {"epochs": 1, "max_length": 40},
    }
    accepted = trained.http.post("/adapters", json=body).json()
    trained.work()
    report = trained.http.get(f"/adapters/{accepted['adapter']['id']}").json()["training"]["report"]
    assert report["findings"] == {
        "repeated": {"train": 18},
        "conflicting": {"train": 18},
        "leaked": {"dev": 3},
        "shared_premises": {"dev": 1},
    }
    assert report["truncated"] == {"train": 1, "dev": 0, "test": 0}
    assert report["unknown"]["train"]["tokens"] == 2
    said = report["warnings"]
    assert said[0] == "18 of the training examples repeat an earlier one, 18 of them with another label"
    assert messages(trained, accepted["job"]["id"]) == said
    assert any("longer than max_length and were cut" in each for each in said)


@pytest.mark.parametrize("method", ["mp", "dp", "sp", "pt"])
@pytest.mark.parametrize("prompt_length", [1, 4, 20])
def test_a_template_that_cannot_fit_is_refused_with_the_number_the_job_would_give(
    trained: Service, method: str, prompt_length: int
) -> None:
    training = {"epochs": 1, "prompt_length": prompt_length, "max_length": 16}
    body = {"lang": "ay", "method": method, "examples": EXAMPLES, "training": training}
    answer = trained.http.post("/adapters", json=body)
    if answer.status_code == 202:
        trained.work()
        job = trained.http.get(answer.headers["Location"]).json()
        assert job["status"] == "succeeded", job["error"]
        return
    refusal = refused(answer, 422, "invalid_request")
    assert refusal["fields"][0]["path"] == "training.max_length"
    least = int(refusal["detail"].rsplit(" ", 1)[1])
    training["max_length"] = least - 1
    refused(trained.http.post("/adapters", json=body), 422, "invalid_request")
    training["max_length"] = least
    accepted = trained.http.post("/adapters", json=body)
    assert accepted.status_code == 202, accepted.text
    trained.work()
    assert trained.http.get(accepted.headers["Location"]).json()["status"] == "succeeded"
