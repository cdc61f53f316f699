"""What an adapter answered to the pairs that it is scored on, over the API: the pairs behind its figures."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.running_service import EXAMPLES, Service, refused, running, settings_for

from ltp.engine.int8_agreement import LEAST_PAIRS

pytestmark = pytest.mark.process

LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def held_out(trained: Service) -> dict[str, Any]:
    return trained.train("wo", method="pt", estimate="holdout")


@pytest.fixture(scope="module")
def cross_fitted(trained: Service) -> dict[str, Any]:
    return trained.train("ha", method="pt", estimate="cross_fit")


def ask(service: Service, adapter: dict[str, Any], **query: Any) -> Any:
    response = service.http.get(f"/adapters/{adapter['id']}/answers", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def confusion(items: list[dict[str, Any]]) -> list[list[int]]:
    counts = Counter((item["label"], item["predicted"]) for item in items)
    return [[counts[gold, predicted] for predicted in LABELS] for gold in LABELS]


@pytest.mark.parametrize("how", ["held_out", "cross_fitted"])
def test_they_are_the_pairs_behind_the_score(trained: Service, how: str, request: pytest.FixtureRequest) -> None:
    adapter = request.getfixturevalue(how)
    answer, dev = ask(trained, adapter), adapter["metrics"]["dev"]
    assert (answer["total"], answer["kept"], answer["judged"], answer["next_cursor"]) == (dev["pairs"],) * 3 + (None,)
    assert answer["estimated"] == dev.get("estimated")
    assert answer["part"] == "train"
    assert confusion(answer["items"]) == dev["confusion"]
    for item in answer["items"]:
        sent = EXAMPLES[item["line"] - 1]
        assert (item["premise"], item["hypothesis"]) == (sent["premise"], sent["hypothesis"])
        assert item["label"] == LABELS[int(sent["label"])]  # type: ignore[call-overload]
        assert item["predicted"] == max(item["probabilities"], key=item["probabilities"].get)
        assert sum(item["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_the_published_adapter_answers_the_same_again(trained: Service, held_out: dict[str, Any]) -> None:
    for item in ask(trained, held_out, limit=3)["items"]:
        pair = {"premise": item["premise"], "hypothesis": item["hypothesis"]}
        (now,) = trained.http.post("/predict", json={"adapter": held_out["id"], "pairs": [pair]}).json()["predictions"]
        assert item["probabilities"] == pytest.approx(now["probabilities"], abs=1e-5)


def test_page_by_page_they_are_all_and_each_once(trained: Service, cross_fitted: dict[str, Any]) -> None:
    whole = ask(trained, cross_fitted, sort="uncertainty", limit=200)["items"]
    certainty = [max(item["probabilities"].values()) for item in whole]
    assert certainty == sorted(certainty)
    pages, cursor = [], {}
    while True:
        page = ask(trained, cross_fitted, sort="uncertainty", limit=5, **cursor)
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == whole
    assert ask(trained, cross_fitted, cursor="999999999")["items"] == []


def test_wrong_ones_of_a_label_alone(trained: Service, cross_fitted: dict[str, Any]) -> None:
    found = cross_fitted["metrics"]["dev"]["confusion"]
    for label, row in zip(LABELS, found, strict=True):
        wrong = sum(row) - row[LABELS.index(label)]
        answer = ask(trained, cross_fitted, wrong=True, label=label)
        assert answer["total"] == len(answer["items"]) == wrong
        assert {item["label"] for item in answer["items"]} <= {label}


def test_a_table_has_them_all_and_can_be_trained_on_again(trained: Service, cross_fitted: dict[str, Any]) -> None:
    path = f"/adapters/{cross_fitted['id']}/answers"
    accepts = {"Accept": "text/csv, */*;q=0.1"}
    response = trained.http.get(path, params={"limit": 1, "sort": "certainty"}, headers=accepts)
    assert response.headers["content-type"].startswith("text/csv")
    assert "ha-1-answers.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    items = ask(trained, cross_fitted, sort="certainty", limit=200)["items"]
    assert [(row["premise"], row["predicted"], int(row["line"])) for row in rows] == [
        (item["premise"], item["predicted"], item["line"]) for item in items
    ]
    assert float(rows[0]["neutral"]) == items[0]["probabilities"]["neutral"]
    assert trained.http.get(path, params={"format": "csv", "sort": "certainty"}).content == response.content
    files = {"file": ("answers.csv", response.content), "request": (None, json.dumps({"task": "train"}))}
    reading = trained.http.post("/data/check", files=files).json()
    assert (reading["read"], reading["columns"]["label"], reading["columns"]["lang"]) == (len(rows), "label", None)


def test_what_there_is_none_of_is_refused_with_the_reason(trained: Service, cross_fitted: dict[str, Any]) -> None:
    exported = trained.http.get(f"/adapters/{cross_fitted['id']}/export").content
    brought = trained.bring_in(exported, lang="zu").json()
    told = refused(answers_of(trained, brought["id"]), 404, "pairs_not_kept")["detail"]
    assert "imported" in told
    for query in ({"cursor": "x"}, {"sort": "best"}, {"label": "maybe"}, {"wrong": "perhaps"}, {"other": 1}):
        assert answers_of(trained, cross_fitted["id"], **query).status_code == 422
    refused(answers_of(trained, "0199f3c4-3b1d-7a52-8e0b-4d2c1b0a9f55"), 404, "adapter_not_found")


def answers_of(service: Service, adapter: str, **query: Any) -> httpx.Response:
    return service.http.get(f"/adapters/{adapter}/answers", params=query)


@pytest.mark.parametrize("how", ["held_out", "cross_fitted"])
def test_how_far_its_probabilities_can_be_trusted_is_told_of_the_same_pairs(
    trained: Service, how: str, request: pytest.FixtureRequest
) -> None:
    adapter = request.getfixturevalue(how)
    certainty, dev = adapter["metrics"]["certainty"], adapter["metrics"]["dev"]
    bins = certainty["reliability"]
    assert certainty["pairs"] == sum(each["pairs"] for each in bins) == dev["pairs"]
    assert sum(each["pairs"] * each["accuracy"] for each in bins) == pytest.approx(dev["accuracy"] * dev["pairs"])
    gap = sum(each["pairs"] * abs(each["accuracy"] - each["confidence"]) for each in bins)
    assert gap / dev["pairs"] == pytest.approx(dev["ece"])
    assert all(each["low"] < each["confidence"] <= each["high"] for each in bins)
    assert certainty["curve"][0] == {"threshold": 0, "answered": 1, "accuracy": pytest.approx(dev["accuracy"])}
    if adapter["metrics"]["calibration"] is not None:
        assert certainty["curve"] == adapter["metrics"]["calibration"]["curve"]
    brought = trained.bring_in(trained.http.get(f"/adapters/{adapter['id']}/export").content, lang="xh").json()
    assert brought["metrics"]["certainty"] == certainty
    assert adapter["metrics"]["int8_agreement"] is None


def test_a_worker_with_int8_measures_what_that_changes(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> None:
    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, precision="int8")) as service:
        service.wait_ready()
        metrics = service.train("wo", method="pt", estimate="cross_fit", alias="production")["metrics"]
        brought = service.bring_in(service.export("wo"), lang="xh").json()
    agreement = metrics["int8_agreement"]
    assert agreement["pairs"] == metrics["dev"]["pairs"]
    assert 0 <= agreement["mean_difference"] <= agreement["largest_difference"] < 0.05
    assert agreement["passed"] is (agreement["labels_changed"] == 0 and agreement["pairs"] >= LEAST_PAIRS)
    assert brought["metrics"]["int8_agreement"] == agreement


def test_the_course_of_its_training_is_told_epoch_by_epoch(trained: Service) -> None:
    for how, seeds in (("holdout", 2), ("cross_fit", 1)):
        adapter = trained.train("ny", method="pt", estimate=how, seeds=seeds, training={"epochs": 3})
        assert [course["seed"] for course in adapter["courses"]] == list(range(seeds))
        for course in adapter["courses"]:
            assert [epoch["epoch"] for epoch in course["epochs"]] == [1, 2, 3]
            assert set(course["epochs"][0]) == {"epoch", "train_loss", "dev_loss", "dev_accuracy"}
        (listed, *_) = trained.http.get("/adapters", params={"lang": "ny"}).json()["items"]
        assert listed["courses"] == []
        (job, *_) = trained.http.get("/jobs", params={"kind": "adapter", "limit": 1}).json()["items"]
        stream = trained.http.get(f"/jobs/{job['id']}/events").text
        events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
        live = [epoch for event in events for epoch in event.get("epochs", [])]
        told = [(int(epoch["seed"]), int(epoch["epoch"]), epoch["dev_accuracy"]) for epoch in live]
        whole = [
            (course["seed"], epoch["epoch"], epoch["dev_accuracy"])
            for course in adapter["courses"]
            for epoch in course["epochs"]
        ]
        assert told == whole


def test_two_versions_stand_beside_each_other_where_they_are_scored_on_the_same_pairs(
    trained: Service, held_out: dict[str, Any], cross_fitted: dict[str, Any]
) -> None:
    again = trained.train("ha", method="pt", estimate="cross_fit", training={"learning_rate": 0.05, "epochs": 4})
    told = trained.http.get(f"/adapters/{cross_fitted['id']}/comparison/{again['id']}").json()
    assert (told["pairs"], told["same_pairs"]) == (len(EXAMPLES), True)
    for side, adapter in (("first", cross_fitted), ("second", again)):
        assert (told[side]["adapter"], told[side]["version"]) == (adapter["id"], adapter["version"])
        assert told[side]["accuracy"] == pytest.approx(adapter["metrics"]["dev"]["accuracy"])
    assert told["difference"] == pytest.approx(told["first"]["accuracy"] - told["second"]["accuracy"])
    assert told["interval"][0] <= told["difference"] <= told["interval"][1]
    assert told["real"] == (told["p"] < 0.05)
    held = trained.http.get(f"/adapters/{cross_fitted['id']}/comparison/{held_out['id']}").json()
    assert (held["pairs"], held["same_pairs"]) == (held_out["metrics"]["dev"]["pairs"], False)


def test_versions_that_are_scored_on_other_pairs_are_not_compared(
    trained: Service, cross_fitted: dict[str, Any]
) -> None:
    others = [{**pair, "premise": f"{pair['premise']} again"} for pair in EXAMPLES]
    other = trained.train("ha", method="pt", estimate="cross_fit", examples=others)
    told = trained.http.get(f"/adapters/{cross_fitted['id']}/comparison/{other['id']}").json()
    assert (told["pairs"], told["p"], told["first"]["accuracy"], told["same_pairs"]) == (0, None, None, False)
    assert "scored on other pairs" in told["verdict"]


def examples_of(service: Service, adapter: dict[str, Any], **query: Any) -> httpx.Response:
    return service.http.get(f"/adapters/{adapter['id']}/examples", params=query)


def test_what_it_was_trained_on_comes_back_to_be_trained_on_again(
    trained: Service, cross_fitted: dict[str, Any]
) -> None:
    table = examples_of(trained, cross_fitted)
    assert table.headers["content-type"].startswith("text/csv")
    assert "ha-1-train.csv" in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    lines = [json.loads(line) for line in examples_of(trained, cross_fitted, format="jsonl").text.splitlines()]
    assert rows == lines
    assert rows == [{**pair, "label": LABELS[int(pair["label"])]} for pair in EXAMPLES]  # type: ignore[call-overload]
    files = {"examples": ("again.csv", table.content), "request": (None, json.dumps({"lang": "ha", "method": "pt"}))}
    accepted = trained.http.post("/adapters", files=files).json()
    assert accepted["adapter"]["examples"]["train"] == len(EXAMPLES)
    assert trained.http.post(f"/jobs/{accepted['job']['id']}/cancel").status_code == 202
    assert examples_of(trained, cross_fitted, part="dev", format="jsonl").text == ""
    assert examples_of(trained, cross_fitted, part="other").status_code == 422


def test_what_was_imported_has_no_examples(trained: Service, cross_fitted: dict[str, Any]) -> None:
    exported = trained.http.get(f"/adapters/{cross_fitted['id']}/export").content
    brought = trained.bring_in(exported, lang="zu").json()
    assert "imported" in refused(examples_of(trained, brought), 404, "pairs_not_kept")["detail"]
