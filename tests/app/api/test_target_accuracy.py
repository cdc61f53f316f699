"""A target accuracy: resolved on the adapter's own curve, told in the answer, and refused where it cannot be had."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.running_service import Service, refused

from ltp.adapter.artefact import read_export

pytestmark = pytest.mark.process

PAIRS = [{"premise": f"the {who} runs", "hypothesis": f"the {who} is red"} for who in ("dog", "cat", "horse", "bird")]


@pytest.fixture(scope="module")
def lang(trained: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A language whose adapter has a curve on which half of these pairs are left open for 80 %."""
    bare = trained.http.post("/predict", json={"lang": "en", "pairs": PAIRS}).json()["predictions"]
    least = sorted(max(each["probabilities"].values()) for each in bare)[2]
    points = [(0.0, 1.0, 0.6), (least - 1e-6, 0.5, 0.8), (0.999999, 0.1, 0.85)]
    curve = [dict(zip(("threshold", "answered", "accuracy"), point, strict=True)) for point in points]
    path = tmp_path_factory.mktemp("curve") / "export"
    path.write_bytes(trained.export("en"))
    adapter, ticket, notes, _ = read_export(path)
    said = json.loads(notes)
    said["metrics"].pop("calibration")
    adapter.save(path, ticket=ticket, notes=json.dumps(said))
    assert trained.bring_in(path.read_bytes(), lang="ig").status_code == 201
    figures = {"temperature": 1.0, "bias": [0.0] * 3, "ece_before": 0.2, "ece_after": 0.1, "curve": curve}
    said["metrics"] |= {"calibration": figures, "baseline": {"guessing": 0.4, "start": {"accuracy": 0.5, "p": 0.03}}}
    adapter.save(path, ticket=ticket, notes=json.dumps(said))
    imported = trained.bring_in(path.read_bytes(), lang="ha", alias="production")
    assert imported.status_code == 201, imported.text
    shown = trained.http.get(f"/adapters/{imported.json()['id']}").json()
    assert shown["metrics"]["calibration"] == figures
    assert shown["metrics"]["baseline"] == {"guessing": 0.4, "start": {"accuracy": 0.5, "p": 0.03}}
    return "ha"


def test_the_threshold_is_what_the_curve_says(trained: Service, lang: str) -> None:
    answer = trained.http.post("/predict", json={"lang": lang, "pairs": PAIRS, "target_accuracy": 0.75}).json()
    (threshold,) = answer["thresholds"]
    assert (threshold["answered"], threshold["accuracy"]) == (0.5, 0.8)
    assert threshold["adapter"]["lang"] == lang
    confidences = [max(each["probabilities"].values()) for each in answer["predictions"]]
    assert [each["abstained"] for each in answer["predictions"]] == [
        confidence < threshold["min_confidence"] for confidence in confidences
    ]
    assert sum(each["abstained"] for each in answer["predictions"]) == 2
    low = trained.http.post("/predict", json={"lang": lang, "pairs": PAIRS, "target_accuracy": 0.6}).json()
    assert [each["abstained"] for each in low["predictions"]] == [False] * 4


def test_an_adapter_that_held_pairs_out_has_a_curve_of_these(trained: Service) -> None:
    (listed,) = trained.http.get("/adapters?lang=en&alias=production").json()["items"]
    dev, kept = listed["metrics"]["dev"], listed["metrics"]["calibration"]
    assert (dev["estimated"], kept["temperature"], kept["bias"]) == (None, 1.0, [0.0] * 3)
    assert kept["ece_before"] == kept["ece_after"] == dev["ece"]
    asked = {"lang": "en", "pairs": PAIRS, "target_accuracy": dev["accuracy"] - 1e-6}
    answer = trained.http.post("/predict", json=asked).json()
    assert answer["thresholds"][0]["answered"] == 1.0
    assert not any(each["abstained"] for each in answer["predictions"])


def test_a_file_is_judged_by_it(trained: Service, lang: str) -> None:
    rows = "premise,hypothesis\n" + "".join(f"{pair['premise']},{pair['hypothesis']}\n" for pair in PAIRS)
    request = json.dumps({"lang": lang, "target_accuracy": 0.75})
    accepted = trained.http.post("/predictions", files={"file": ("p.csv", rows.encode()), "request": (None, request)})
    assert accepted.status_code == 202, accepted.text
    trained.work()
    prediction = trained.http.get(f"/predictions/{accepted.json()['prediction']['id']}").json()
    (judge,) = prediction["adapters"]
    assert (prediction["target_accuracy"], judge["threshold"]["accuracy"]) == (0.75, 0.8)
    text = trained.http.get(f"/predictions/{prediction['id']}/result").text
    assert [row["abstained"] for row in csv.DictReader(io.StringIO(text))].count("true") == 2
    assert prediction["summary"]["abstained"] == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"lang": "ha", "target_accuracy": 0.9}, "does not reach 90%: it is right in 85% at most, on the 10%"),
        ({"lang": "ig", "target_accuracy": 0.5}, "has no curve from confidence to accuracy"),
        ({"lang": "ha", "target_accuracy": 0.5, "as": "two_way"}, "measured on three labels"),
        ({"lang": "nah", "fallback": "ha", "target_accuracy": 0.5}, "stands in for a language"),
        ({"lang": "ha", "target_accuracy": 0.5, "min_confidence": 0.5}, "not both"),
        ({"lang": "ha", "target_accuracy": 1.5}, ""),
    ],
)
def test_what_cannot_be_had_is_refused(trained: Service, lang: str, asked: dict[str, Any], words: str) -> None:
    body = refused(trained.http.post("/predict", json={"pairs": PAIRS, **asked}), 422, "invalid_request")
    assert body["fields"][0]["path"] == "target_accuracy"
    assert words in body["detail"]
    files = {"file": ("p.jsonl", json.dumps(PAIRS[0]).encode()), "request": (None, json.dumps(asked))}
    assert words in refused(trained.http.post("/predictions", files=files), 422, "invalid_request")["detail"]


def test_a_curve_that_cannot_be_is_not_imported(trained: Service, lang: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(trained.export(lang))
    adapter, ticket, notes, _ = read_export(path)
    for spoil in (
        {"threshold": 2.0, "answered": 1.0, "accuracy": 0.5},
        {"threshold": 0.0, "answered": 1.0},
    ):
        said = json.loads(notes)
        said["metrics"]["calibration"]["curve"] = [spoil]
        adapter.save(path, ticket=ticket, notes=json.dumps(said))
        refused(trained.bring_in(path.read_bytes(), lang="yo"), 422, "corrupt_artifact")
