"""Adapters, versions and aliases over HTTP, with real, tiny trainings; and files of pairs judged by them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from support.running_service import EXAMPLES, Service, refused, wait_until

from app.api.file_names import clean_name
from app.storage.models import PredictionRow

ADAPTER = {
    "id", "name", "lang", "version", "aliases", "status", "method", "origin", "ticket", "backbone", "seeds", "metrics",
    "training", "examples", "bytes", "reading", "held_out_readings", "created_at", "published_at", "label_space",
    "verbalizer", "text_form", "start", "language_delta", "shared", "advice", "courses",
}  # fmt: skip


def as_csv(examples: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["premise", "hypothesis", "label"])
    writer.writeheader()
    writer.writerows(examples)
    return text.getvalue().encode()


def as_jsonl(examples: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, examples)).encode()


@pytest.fixture
def ticketed(service: Service) -> Service:
    wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)
    service.make_ticket()
    return service


def test_an_adapter_is_pending_then_ready(ticketed: Service) -> None:
    (ticket,) = ticketed.http.get("/tickets").json()["items"]
    request = {"lang": "swa", "examples": EXAMPLES, "name": "first", "alias": "production", "seeds": 2}
    accepted = ticketed.http.post("/adapters", json={**request, "training": {"epochs": 1}})
    body = accepted.json()
    assert set(body) == {"job", "adapter"}
    assert set(body["adapter"]) == ADAPTER
    assert (body["adapter"]["version"], body["adapter"]["status"], body["adapter"]["lang"]) == (None, "pending", "sw")
    identifier = body["adapter"]["id"]
    refused(ticketed.http.get(f"/adapters/{identifier}/export"), 409, "not_ready_yet")
    refused(ticketed.http.delete(f"/adapters/{identifier}"), 409, "in_use")
    ticketed.work()
    adapter = ticketed.http.get(f"/adapters/{identifier}").json()
    assert (adapter["version"], adapter["status"], adapter["aliases"]) == (1, "ready", ["production"])
    assert adapter["ticket"] == ticket["id"]
    dev = adapter["metrics"]["dev"]
    assert {"accuracy", "interval", "selected_on", "macro_f1", "ece", "per_label", "confusion"} <= set(dev)
    assert dev["selected_on"] is True
    assert dev["interval"][0] <= dev["accuracy"] <= dev["interval"][1]
    assert len(adapter["metrics"]["per_seed"]) == 2
    assert adapter["metrics"]["mean"]["dev"]["accuracy"] <= 1
    assert adapter["examples"]["train"] + adapter["examples"]["dev"] == len(EXAMPLES)
    assert adapter["training"]["learning_rate"] == pytest.approx(2e-5), "the rate that was used"
    assert {"examples", "backbone", "training", "publish"} <= adapter["training"]["report"]["timings"].keys()
    agreement, stored = adapter["metrics"]["stored_agreement"], adapter["training"]["delta_dtype"]
    assert (agreement["pairs"], agreement["stored"]) == (adapter["examples"]["dev"], stored)
    assert adapter["bytes"] > 0
    assert (adapter["text_form"], adapter["training"]["text_form"]) == (1, 1)


@pytest.mark.parametrize("write", [as_csv, as_jsonl])
def test_examples_come_as_files_too(ticketed: Service, write: Any) -> None:
    request = {"lang": "es", "training": {"epochs": 1, "seed": 3}}
    files = {
        "examples": ("train", write(EXAMPLES)),
        "dev_examples": ("dev", write(EXAMPLES[:6])),
        "test_examples": ("test", write(EXAMPLES[6:8])),
        "request": (None, json.dumps(request)),
    }
    accepted = ticketed.http.post("/adapters", files=files)
    assert accepted.status_code == 202, accepted.text
    ticketed.work()
    uploaded = ticketed.http.get(f"/adapters/{accepted.json()['adapter']['id']}").json()
    assert {part: uploaded["examples"][part] for part in ("train", "dev", "test")} == {"train": 18, "dev": 6, "test": 2}
    assert uploaded["metrics"]["test"]["selected_on"] is False
    training = {"epochs": 1, "seed": 3, "learning_rate": 2e-5}
    inline = ticketed.train("es", dev_examples=EXAMPLES[:6], test_examples=EXAMPLES[6:8], training=training)
    assert inline["metrics"] == uploaded["metrics"], "the same examples, however they were sent"


def test_method_pt_needs_no_ticket_and_ltp_does(service: Service) -> None:
    wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)
    body = {"lang": "en", "examples": EXAMPLES, "training": {"epochs": 1}}
    refused(service.http.post("/adapters", json=body), 409, "no_ticket")
    absent = {**body, "ticket": "0199f3a2-7c1e-7d40-9c55-3f0f6f1f2a11"}
    refused(service.http.post("/adapters", json=absent), 404, "ticket_not_found")
    adapter = service.train("en", method="pt")
    assert (adapter["method"], adapter["ticket"]) == ("pt", None)


def test_a_ticket_that_is_not_ready_cannot_be_trained_on(service: Service) -> None:
    wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)
    pending = service.http.post("/tickets", json={"corpus": {"builtin": "demo"}}).json()["ticket"]
    body = {"lang": "en", "examples": EXAMPLES, "ticket": pending["id"]}
    refused(service.http.post("/adapters", json=body), 409, "not_ready_yet")


def test_versions_count_up_and_aliases_move(ticketed: Service) -> None:
    first, second, third = (ticketed.train("sw", method="pt", training={"seed": seed}) for seed in range(3))
    assert [adapter["version"] for adapter in (first, second, third)] == [1, 2, 3]
    url = "/languages/swa/aliases/production"
    answer = ticketed.http.put(url, json={"version": 2})
    assert (answer.status_code, answer.json()) == (
        200, {"lang": "sw", "alias": "production", "version": 2, "adapter": second["id"]}
    )  # fmt: skip
    assert ticketed.http.get(f"/adapters/{second['id']}").json()["aliases"] == ["production"]
    refused(ticketed.http.delete(f"/adapters/{second['id']}"), 409, "in_use")
    refused(ticketed.http.put(url, json={"version": 4}), 404, "adapter_not_found")
    ticketed.http.put(url, json={"version": 3})
    assert ticketed.http.delete(f"/adapters/{second['id']}").status_code == 204
    refused(ticketed.http.put(url, json={"version": 2}), 404, "adapter_not_found")
    (language,) = ticketed.http.get("/languages").json()["items"]
    answering, dev = language.pop("answering"), third["metrics"]["dev"]
    assert (answering["adapter"], answering["version"], answering["name"]) == (third["id"], 3, None)
    assert (answering["accuracy"], answering["interval"], answering["pairs"]) == (
        dev["accuracy"], dev["interval"], dev["pairs"]
    )  # fmt: skip
    assert answering["guessing"] == third["metrics"]["baseline"]["guessing"]
    assert third["published_at"] < answering["since"], "the alias was pointed at it afterwards"
    assert language == {
        "lang": "sw",
        "name": "Swahili",
        "versions": [3, 1],
        "aliases": {"production": 3},
        "macrolanguage": "sw",
        "related": [],
        "starters": [],
    }
    listed = ticketed.http.get("/adapters?lang=swa&alias=production").json()["items"]
    assert [adapter["id"] for adapter in listed] == [third["id"]]
    assert len(ticketed.http.get("/adapters?lang=sw").json()["items"]) == 2
    assert ticketed.http.get("/adapters?lang=es").json()["items"] == []
    assert ticketed.http.delete(url).status_code == 204
    refused(ticketed.http.delete(url), 404, "alias_not_found")
    (language,) = ticketed.http.get("/languages").json()["items"]
    assert (language["answering"]["version"], language["answering"]["since"]) == (3, third["published_at"])
    assert ticketed.train("sw", method="pt")["version"] == 4, "numbers are never used again"


def test_a_deleted_adapter_answers_no_more(ticketed: Service) -> None:
    ticketed.wait_ready()
    adapter = ticketed.train("en")
    body = {"adapter": adapter["id"], "pairs": [{"premise": "the dog runs", "hypothesis": "the dog"}]}
    assert ticketed.http.post("/predict", json=body).status_code == 200
    assert ticketed.app.state.predictor.figures()["compact_entries"] == 1
    assert ticketed.http.delete(f"/adapters/{adapter['id']}").status_code == 204
    refused(ticketed.http.post("/predict", json=body), 404, "adapter_not_found")
    assert ticketed.app.state.predictor.figures()["compact_entries"] == 0


def prediction_sample(prediction: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """The first rows as the prediction shows them, and whether each was left open."""
    return [(row["premise"], row["hypothesis"], row["label"], row["abstained"]) for row in prediction["sample"]]


PAIRS = 'id,premise,hypothesis\r\n1,the dog runs,the dog is red\r\n2,"the cat, eats",the cat\r\n'


def test_a_file_is_judged_and_comes_back_with_columns_added(trained: Service) -> None:
    request = {"lang": "fr", "fallback": "en", "min_confidence": 1.0}
    files = {"file": ("my päirs.csv", PAIRS), "request": (None, json.dumps(request))}
    accepted = trained.http.post("/predictions", files=files)
    assert accepted.status_code == 202, accepted.text
    prediction = accepted.json()["prediction"]
    assert (prediction["pairs"], prediction["fallback"], prediction["lang"]) == (2, True, "fr")
    assert (prediction["adapter"]["lang"], prediction["filename"]) == ("en", "my päirs.csv")
    url = f"/predictions/{prediction['id']}"
    refused(trained.http.get(f"{url}/result"), 409, "not_ready_yet")
    refused(trained.http.delete(url), 409, "in_use")
    trained.work()
    done = trained.http.get(url).json()
    assert (done["status"], done["summary"]["abstained"]) == ("ready", 2)
    result = trained.http.get(f"{url}/result")
    assert result.headers["Content-Type"].startswith("text/csv")
    assert "my%20p%C3%A4irs.csv" in result.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(result.content.decode(), newline="")))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[1]["premise"] == "the cat, eats"
    assert prediction_sample(done) == [(row["premise"], row["hypothesis"], row["label"], True) for row in rows]
    assert done["sample"][0]["probabilities"]["neutral"] == pytest.approx(float(rows[0]["neutral"]), abs=1e-5)
    assert "sample" not in done["summary"]
    (job, *_) = trained.http.get("/jobs?kind=prediction&limit=1").json()["items"]
    assert (job["resource"]["lang"], job["resource"]["name"]) == ("fr", "my päirs.csv")
    pairs = [{"premise": row["premise"], "hypothesis": row["hypothesis"]} for row in rows]
    trained.wait_ready()
    direct = trained.http.post("/predict", json={"lang": "en", "pairs": pairs}).json()["predictions"]
    for row, found in zip(rows, direct, strict=True):
        assert row["label"] == found["label"]
        assert float(row["neutral"]) == pytest.approx(found["probabilities"]["neutral"], abs=1e-5)
    detail = {name: done[name] for name in ("adapters", "sample")}
    assert trained.http.get("/predictions").json()["items"][0] | detail == done
    assert trained.http.delete(url).status_code == 204
    refused(trained.http.get(url), 404, "prediction_not_found")


HOSTILE = ["a.jsonl\nX-Injected: yes", "a\x1b[31m.csv", 'q"uo\\te.csv', "日本語.csv", "x" * 2000 + ".csv", "\x7f\x01"]


def upload(service: Service, name: str) -> dict[str, Any]:
    """Send a file of pairs under exactly that name, and return its prediction."""
    part = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').encode()
    body = part % (b"file", b'; filename="' + escaped + b'"', PAIRS.encode())
    body += part % (b"request", b"", b'{"lang":"en"}') + b"--b--\r\n"
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    accepted = service.http.post("/predictions", content=body, headers=form)
    assert accepted.status_code == 202, accepted.text
    prediction: dict[str, Any] = accepted.json()["prediction"]
    return prediction


def test_a_result_comes_back_whatever_its_file_was_called(trained: Service) -> None:
    sent = {upload(trained, name)["id"]: clean_name(name) for name in HOSTILE}
    kept = {upload(trained, "plain.csv")["id"]: name for name in HOSTILE}  # as an older version kept them
    with trained.app.state.db.write() as session:
        for identifier, name in kept.items():
            row = session.get_one(PredictionRow, identifier)
            row.request = {**row.request, "filename": name}
    trained.work()
    for identifier in (*sent, *kept):
        prediction = trained.http.get(f"/predictions/{identifier}").json()
        assert prediction["status"] == "ready"
        if identifier in sent:
            assert prediction["filename"] == (sent[identifier] or None)
        result, head = (trained.http.request(method, f"/predictions/{identifier}/result") for method in ("GET", "HEAD"))
        assert (result.status_code, head.status_code, head.content) == (200, 200, b"")
        assert "X-Injected" not in result.headers
        assert result.headers["Content-Disposition"].startswith('attachment; filename="')
        assert result.headers["Content-Disposition"] == head.headers["Content-Disposition"]


def test_the_head_of_an_export_is_there_without_the_export(trained: Service) -> None:
    (adapter, *_) = trained.http.get("/adapters?lang=en&alias=production").json()["items"]
    got, head = (trained.http.request(method, f"/adapters/{adapter['id']}/export") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Disposition"):
        assert head.headers[name] == got.headers[name]
    ticket = adapter["ticket"]
    got, head = (trained.http.request(method, f"/tickets/{ticket}/mask") for method in ("GET", "HEAD"))
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.content))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no"), (b"premise,hypothesis\nA.,\n", "line 2"), (b'{"premise":"A."}\n', "line 1"), (b"\xff\xfe", "")],
)
def test_files_that_are_no_pairs_are_refused(trained: Service, content: bytes, words: str) -> None:
    files = {"file": ("pairs", content), "request": (None, '{"lang": "en"}')}
    body = refused(trained.http.post("/predictions", files=files), 422, "invalid_request")
    assert body["fields"][0]["path"] == "file"
    assert words in body["detail"]


@pytest.mark.parametrize(
    ("request_part", "status", "code"),
    [
        ("{}", 422, "invalid_request"),
        ('{"lang": "en", "adapter": "en"}', 422, "invalid_request"),
        ('{"lang": "en", "pairs": []}', 422, "invalid_request"),
        ('{"lang": "fr"}', 404, "no_adapter_for_language"),
        ('{"adapter": "en@77"}', 404, "adapter_not_found"),
    ],
)
def test_requests_for_files_are_checked(trained: Service, request_part: str, status: int, code: str) -> None:
    files = {"file": ("pairs.csv", PAIRS), "request": (None, request_part)}
    refused(trained.http.post("/predictions", files=files), status, code)
    refused(trained.http.post("/predictions", json={"lang": "en"}), 415, "unsupported_media_type")
