"""How long a training will take, asked before it is sent: from what others took, or a constant that says it is one."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from support.running_service import EXAMPLES, Service, refused

from app.storage.models import AdapterRow

pytestmark = pytest.mark.process


def ask(service: Service, **request: Any) -> dict[str, Any]:
    response = service.http.post("/adapters/estimate", json={"pairs": 18, "method": "pt", **request})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    assert told["least_s"] <= told["seconds"] <= told["most_s"]
    return told


def seen(service: Service, adapter: dict[str, Any], *, computing: float, overhead: float) -> None:
    """Have an adapter's training have taken so long."""
    with service.app.state.db.write() as session:
        row = session.get_one(AdapterRow, adapter["id"])
        report = row.training["report"] | {"timings": {"training": computing, "spawn": overhead}}
        row.training = {**row.training, "report": report}


def test_it_is_a_constant_first_and_then_what_ones_own_trainings_took(service: Service) -> None:
    service.wait_ready()
    first = ask(service)
    assert (first["trainings"], first["start"], first["estimate"]) == (0, None, "holdout")
    assert "constant" in first["said"]
    adapter = service.train("sw", method="pt", training={"epochs": 5})
    seen(service, adapter, computing=100, overhead=7)
    alike = ask(service, training={"epochs": 5}, tokens=tokens_of(service))
    assert (alike["trainings"], alike["seconds"]) == (1, pytest.approx(107, rel=0.05))
    twice = ask(service, training={"epochs": 10}, tokens=tokens_of(service))
    assert twice["seconds"] == pytest.approx(207, rel=0.05)
    more = ask(service, pairs=36, training={"epochs": 5}, tokens=tokens_of(service), seeds=2)
    assert more["seconds"] == pytest.approx(407, rel=0.05)


def tokens_of(service: Service) -> float:
    """What `POST /data/check` says of the pairs."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["premise", "hypothesis", "label"])
    writer.writeheader()
    writer.writerows(EXAMPLES)
    files = {"file": ("pairs.csv", text.getvalue().encode()), "request": (None, json.dumps({"task": "train"}))}
    reading = service.http.post("/data/check", files=files).json()
    assert reading["read"] == len(EXAMPLES)
    return float(reading["tokens"])


def test_what_could_not_be_trained_is_refused_as_it_would_be(shared: Service) -> None:
    def tell(**request: Any) -> Any:
        return shared.http.post("/adapters/estimate", json={"pairs": 18, **request})

    absent = "0199f3c4-3b1d-7a52-8e0b-4d2c1b0a9f55"
    refused(tell(ticket=absent), 404, "ticket_not_found")
    refused(tell(start=absent), 404, "adapter_not_found")
    for body in ({"pairs": 0}, {"tokens": 0}, {"training": {"epochs": 0}}, {"method": "pt", "ticket": absent}):
        refused(tell(**body), 422, "invalid_request")
