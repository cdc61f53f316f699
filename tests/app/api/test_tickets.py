"""Tickets and drifts over HTTP: made by real, tiny MLM runs, shown as documented, downloaded, deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load
from support.running_service import LINES, Service, refused, wait_until

from app.registry.drifts import MAGNITUDES
from app.storage.models import DriftRow

TICKET = {
    "id", "name", "status", "drift", "origin", "shared", "backbone", "language", "active_ratio", "active", "selectable",
    "moved", "zero_drift", "rule", "layers", "strategy", "distribution", "mask_bytes", "created_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _described(service: Service) -> None:
    wait_until(lambda: service.http.get("/backbone").status_code == 200, 60)


def test_a_ticket_is_pending_then_ready(service: Service) -> None:
    accepted = service.http.post(
        "/tickets",
        json={
            "name": "first",
            "language": "eng",
            "corpus": {"texts": LINES},
            "active_ratio": 0.2,
            "mlm": {"epochs": 1},
        },
    )
    body = accepted.json()
    assert set(body) == {"job", "ticket"}
    assert set(body["ticket"]) == TICKET
    assert accepted.headers["Location"] == f"/jobs/{body['job']['id']}"
    assert (body["ticket"]["status"], body["job"]["status"]) == ("pending", "queued")
    refused(service.http.get(f"/tickets/{body['ticket']['id']}/mask"), 409, "not_ready_yet")
    refused(service.http.delete(f"/tickets/{body['ticket']['id']}"), 409, "in_use")
    refused(service.http.delete(f"/drifts/{body['ticket']['drift']}"), 409, "in_use")
    service.work()
    ticket = service.http.get(f"/tickets/{body['ticket']['id']}").json()
    assert (ticket["status"], ticket["name"], ticket["language"], ticket["origin"]) == ("ready", "first", "en", "drift")
    assert ticket["active"] == round(0.2 * ticket["selectable"])
    assert [row["layer"] for row in ticket["distribution"]] == ["embeddings", 1, 2]
    assert sum(row["active"] for row in ticket["distribution"]) == ticket["active"]
    assert sum(row["share"] for row in ticket["distribution"]) == pytest.approx(1)
    assert service.http.get("/tickets").json()["items"] == [ticket]


def test_the_mask_is_plain_safetensors_with_exactly_the_active_bits(service: Service) -> None:
    ticket = service.make_ticket()
    response = service.http.get(f"/tickets/{ticket['id']}/mask")
    assert int(response.headers["Content-Length"]) == ticket["mask_bytes"] == len(response.content)
    assert ".safetensors" in response.headers["Content-Disposition"]
    masks = load(response.content)
    assert all(mask.dtype == "uint8" for mask in masks.values())
    assert sum(int(byte).bit_count() for mask in masks.values() for byte in mask) == ticket["active"]


def test_a_second_ticket_comes_from_the_stored_drift(service: Service) -> None:
    first = service.make_ticket()
    accepted = service.http.post("/tickets", json={"drift": first["drift"], "active_ratio": 0.1, "rule": "per_layer"})
    assert accepted.status_code == 202, accepted.text
    service.work()
    second = service.http.get(f"/tickets/{accepted.json()['ticket']['id']}").json()
    assert (second["status"], second["drift"], second["rule"]) == ("ready", first["drift"], "per_layer")
    (drift,) = service.http.get("/drifts").json()["items"]
    assert sorted(drift["tickets"]) == sorted([first["id"], second["id"]])
    refused(service.http.post("/tickets", json={"drift": first["drift"], "language": "sw"}), 422, "invalid_request")
    refused(service.http.post("/tickets", json={"drift": first["id"]}), 404, "drift_not_found")


def test_a_tickets_price_is_told_before_it_is_made(service: Service) -> None:
    first = service.make_ticket()
    asked = {"active_ratio": 0.05, "rule": "per_layer"}
    told = service.http.get(f"/drifts/{first['drift']}/preview", params=asked).json()
    accepted = service.http.post("/tickets", json={"drift": first["drift"], **asked})
    service.work()
    made = service.http.get(f"/tickets/{accepted.json()['ticket']['id']}").json()
    for figure in ("active", "selectable", "moved", "zero_drift"):
        assert told[figure] == made[figure], figure
    assert [row["active"] for row in told["distribution"]] == [row["active"] for row in made["distribution"]]
    assert 0 < told["mask_bytes"] <= made["mask_bytes"], "but for the names of the tensors"
    assert told["adapter_bytes"][0] < told["adapter_bytes"][1] == 2 * made["active"]
    assert "magnitudes" not in service.http.get(f"/drifts/{first['drift']}").json()["report"]
    for query in ({"layers": "3"}, {"layers": "1,1"}, {"layers": "top"}, {"active_ratio": 0}, {"active_ratio": "nan"}):
        answer = service.http.get(f"/drifts/{first['drift']}/preview", params=query)
        refused(answer, 422, "invalid_request")


def test_of_a_drift_of_an_earlier_release_the_whole_is_told(service: Service) -> None:
    ticket = service.make_ticket()
    with service.app.state.db.write() as session:
        row = session.get_one(DriftRow, ticket["drift"])
        row.report = {name: value for name, value in row.report.items() if name != MAGNITUDES}
    told = service.http.get(f"/drifts/{ticket['drift']}/preview", params={"active_ratio": 0.3}).json()
    assert (told["active"], told["zero_drift"], told["distribution"]) == (ticket["active"], ticket["zero_drift"], [])
    refused(service.http.get(f"/drifts/{ticket['drift']}/preview", params={"layers": "upper"}), 409, "not_ready_yet")


def test_an_uploaded_corpus_is_the_corpus(service: Service) -> None:
    inline = service.make_ticket(strategy="tied")
    files = {
        "corpus": ("../../etc/corp\u00fcs.txt", "\ufeff" + "\r\n\r\n".join(LINES)),
        "request": (None, json.dumps({"mlm": {"epochs": 1, "batch_size": 8}, "active_ratio": 0.3, "strategy": "tied"})),
    }
    accepted = service.http.post("/tickets", files=files)
    assert accepted.status_code == 202, accepted.text
    service.work()
    drifts: list[dict[str, Any]] = service.http.get("/drifts").json()["items"]
    assert drifts[0]["corpus_sha256"] == drifts[1]["corpus_sha256"]
    assert drifts[0]["losses"] == drifts[1]["losses"], "the same text, seed and hyperparameters"
    uploaded = service.http.get(f"/tickets/{accepted.json()['ticket']['id']}").json()
    assert uploaded["distribution"] == inline["distribution"]


def test_a_drift_is_shown_with_its_losses_and_deleted_without_its_tickets(service: Service) -> None:
    ticket = service.make_ticket()
    drift = service.http.get(f"/drifts/{ticket['drift']}").json()
    assert (drift["status"], drift["backbone_name"], drift["strategy"]) == ("ready", "tiny0", "decoupled")
    assert drift["steps"] > 0
    assert drift["losses"][0]["step"] == 0
    assert drift["losses"][-1]["validation"] > 0
    assert drift["config"]["batch_size"] == 8
    assert service.http.delete(f"/drifts/{ticket['drift']}").status_code == 204
    refused(service.http.get(f"/drifts/{ticket['drift']}"), 404, "drift_not_found")
    assert service.http.get(f"/tickets/{ticket['id']}").json() == {**ticket, "drift": None}
    assert service.http.delete(f"/tickets/{ticket['id']}").status_code == 204
    assert service.http.get("/tickets").json()["items"] == []


def test_a_ticket_adapters_depend_on_stays(service: Service) -> None:
    ticket = service.make_ticket()
    adapter = service.train("en")
    refused(service.http.delete(f"/tickets/{ticket['id']}"), 409, "in_use")
    assert service.http.delete(f"/adapters/{adapter['id']}").status_code == 204
    assert service.http.delete(f"/tickets/{ticket['id']}").status_code == 204


def test_the_largest_corpus_fits(service: Service, tmp_path: Path) -> None:
    """64 MB of text, streamed from a file to the database, in flat memory."""
    import psutil

    path = tmp_path / "corpus.txt"
    with path.open("wb") as file:
        for block in range(64):
            file.write((f"line {block} " * 20 + "\n").encode() * (1_048_576 // (20 * len(f"line {block} ") + 1)))
    before = psutil.Process().memory_info().rss
    with path.open("rb") as file:
        response = service.http.post("/tickets", files={"corpus": ("corpus.txt", file), "request": (None, "{}")})
    assert response.status_code == 202, response.text
    assert psutil.Process().memory_info().rss - before < 64 << 20
