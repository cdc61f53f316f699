"""A pair has one answer to the last bit that is told: alone, among others, under an imported copy, and in a file."""

from __future__ import annotations

import csv
import io
import json

import pytest
from support.running_service import Service
from support.synthetic import pairs

from ltp.config import LABELS

pytestmark = pytest.mark.process

PAIRS = [{"premise": each.premise, "hypothesis": each.hypothesis} for each in pairs(60, seed=11)]
ASKED = PAIRS[17]


def probabilities(service: Service, lang: str, *asked: dict[str, str]) -> list[dict[str, float]]:
    response = service.http.post("/predict", json={"lang": lang, "pairs": asked})
    assert response.status_code == 200, response.text
    return [each["probabilities"] for each in response.json()["predictions"]]


def test_a_request_a_copy_and_a_file_give_a_pair_the_same_probabilities(trained: Service) -> None:
    (alone,) = probabilities(trained, "en", ASKED)
    among = probabilities(trained, "en", *PAIRS)
    assert among[17] == alone
    assert len({json.dumps(each) for each in among}) > 50, "other pairs have other answers"

    copy = trained.bring_in(trained.export("en"), lang="en-x-copy")
    assert copy.status_code == 201, copy.text
    assert probabilities(trained, "en-x-copy", ASKED) == [alone]
    assert probabilities(trained, "en-x-copy", *reversed(PAIRS)) == among[::-1]

    assert in_a_file(trained) == [[f"{each[label]:.6f}" for label in LABELS] for each in among]


def in_a_file(service: Service) -> list[list[str]]:
    """The probabilities that a job writes into the file of all pairs, with six decimals."""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, ["premise", "hypothesis"])
    writer.writeheader()
    writer.writerows(PAIRS)
    files = {"file": ("pairs.csv", sheet.getvalue()), "request": (None, json.dumps({"lang": "en"}))}
    accepted = service.http.post("/predictions", files=files)
    assert accepted.status_code == 202, accepted.text
    service.work()
    result = service.http.get(f"/predictions/{accepted.json()['prediction']['id']}/result")
    assert result.status_code == 200, result.text
    rows = csv.DictReader(io.StringIO(result.text))
    return [[row[label] for label in LABELS] for row in rows]
