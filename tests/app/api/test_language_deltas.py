"""A language's own text through the service: accepted, trained, looked at, exported, and erased with its text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch
from sqlalchemy import func, select
from support.running_service import EXAMPLES, LINES, Service, refused, running, settings_for

from app.storage.models import BlobRow
from ltp.adapter.artefact import read_export
from ltp.language_delta.artefact import LanguageDelta

pytestmark = pytest.mark.process
ABSENT = "0199f3a8-5d2e-7b11-8c40-7e9a1b3c5d77"


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path
) -> Iterator[Service]:
    with running(
        settings_for(tmp_path_factory.mktemp("texts") / "data", migrated_sqlite, tiny_backbone_dir)
    ) as started:
        started.wait_ready()
        started.make_ticket(name="theirs")
        yield started


def test_a_text_becomes_a_language_delta_on_the_newest_ticket(service: Service, tmp_path: Path) -> None:
    made = service.adapt("quy_Latn")
    (ticket, *_) = service.http.get("/tickets").json()["items"]
    assert (made["lang"], made["version"], made["ticket"]) == ("quy", 1, ticket["id"])
    assert made["held_out"]["after"] == min(loss["validation"] for loss in made["losses"] if loss["step"])
    assert made["helps"] == (made["held_out"]["after"] < made["held_out"]["before"])
    assert "held-out lines went from" in made["verdict"]
    assert (made["config"]["epochs"], made["config"]["learning_rate"]) == (1, 2 * 2e-5)
    exported = service.http.get(f"/language-deltas/{made['id']}/export")
    assert len(exported.content) == made["bytes"]
    (tmp_path / "file").write_bytes(exported.content)
    backbone = service.app.state.predictor.backbone.info
    assert LanguageDelta.load(tmp_path / "file", backbone).report["verdict"] == made["verdict"]
    assert service.adapt("quy")["version"] == 2
    listed = service.http.get("/language-deltas", params={"lang": "quy"}).json()["items"]
    assert [each["version"] for each in listed] == [2, 1]
    assert service.http.get("/language-deltas", params={"lang": "gn"}).json()["items"] == []


def test_a_file_is_taken_too_and_says_what_it_holds(service: Service) -> None:
    files = {
        "corpus": ("gn.txt", "\n".join([*LINES, *LINES]).encode()),
        "request": (None, json.dumps({"mlm": {"epochs": 1}})),
    }
    accepted = service.http.post("/languages/gn/text", files=files)
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["job"]["kind"] == "language_delta"
    service.work()
    made = service.http.get(f"/language-deltas/{accepted.json()['language_delta']['id']}").json()
    assert made["report"]["repeated_lines"] == len(LINES)


def test_an_adapter_on_top_of_one_holds_the_sum_and_outlives_it(service: Service, tmp_path: Path) -> None:
    made = service.adapt("hch", mlm={"epochs": 2, "batch_size": 8, "learning_rate": 1e-2})
    (tmp_path / "text").write_bytes(service.http.get(f"/language-deltas/{made['id']}/export").content)
    still = {"learning_rate": 1e-8, "prompt_learning_rate": 1e-8, "delta_dtype": "fp16"}
    asked = {"language_delta": made["id"], "start": None, "alias": "production", "training": still}
    adapter = service.train("hch", **asked)
    assert adapter["ticket"] == made["ticket"]
    assert adapter["language_delta"] == {"id": made["id"], "lang": "hch", "version": 1}
    assert service.http.delete(f"/language-deltas/{made['id']}").status_code == 204
    (tmp_path / "adapter").write_bytes(service.export("hch"))
    language, whole = LanguageDelta.load(tmp_path / "text").delta, read_export(tmp_path / "adapter").adapter.delta
    for name in language.values:
        torch.testing.assert_close(whole.decode(name), language.decode(name), rtol=2e-3, atol=1e-6)


def test_one_on_another_ticket_is_refused_and_one_in_use_stays(service: Service) -> None:
    made, other = service.adapt("tar"), service.make_ticket()
    training = {"lang": "tar", "examples": EXAMPLES, "start": None, "training": {"epochs": 1}}

    def ask(**more: str) -> httpx.Response:
        return service.http.post("/adapters", json={**training, "language_delta": made["id"], **more})

    refused(ask(ticket=other["id"]), 422, "invalid_request")
    refused(ask(method="pt"), 422, "invalid_request")
    for absent in (ABSENT, "tar@7", "hsb"):
        refused(ask(language_delta=absent), 404, "language_delta_not_found")
    refused(ask(language_delta="zz@1"), 422, "invalid_reference")
    for reference in (made["id"], "tar", "tar@1"):
        accepted = ask(language_delta=reference)
        assert accepted.status_code == 202, accepted.text
        assert accepted.json()["adapter"]["language_delta"] == {"id": made["id"], "lang": "tar", "version": 1}
        if reference != "tar@1":
            assert service.http.post(f"/jobs/{accepted.json()['job']['id']}/cancel").status_code == 202
    refused(service.http.delete(f"/language-deltas/{made['id']}"), 409, "in_use")
    assert service.http.post(f"/jobs/{accepted.json()['job']['id']}/cancel").status_code == 202
    assert service.http.delete(f"/language-deltas/{made['id']}").status_code == 204


def test_what_cannot_be_is_refused(service: Service) -> None:
    two = {"corpus": {"texts": LINES[:2]}}
    refused(service.http.post("/languages/quy/text", json={}), 422, "invalid_request")
    refused(service.http.post("/languages/quy/text", json={"corpus": {"texts": ["one"]}}), 422, "invalid_request")
    refused(service.http.post("/languages/quy/text", json={**two, "mlm": {"patience": 0}}), 422, "invalid_request")
    refused(service.http.post("/languages/quy/text", json={**two, "ticket": ABSENT}), 404, "ticket_not_found")
    refused(service.http.post("/languages/no language/text", json=two), 422, "invalid_language")
    refused(service.http.get(f"/language-deltas/{ABSENT}"), 404, "language_delta_not_found")


def test_deleting_one_erases_its_text_and_its_ticket_waits_for_it(service: Service) -> None:
    ticket = service.make_ticket()
    own = [*LINES, "nobody else sends this line"]
    made = service.adapt("shp", ticket=ticket["id"], corpus={"texts": own})
    sha256 = hashlib.sha256("".join(f"{line}\n" for line in own).encode()).hexdigest()

    def texts() -> int:
        with service.app.state.db.read() as session:
            return session.scalar(select(func.count()).where(BlobRow.sha256 == sha256)) or 0

    assert texts() == 1
    refused(service.http.delete(f"/tickets/{ticket['id']}"), 409, "in_use")
    assert service.http.delete(f"/language-deltas/{made['id']}").status_code == 204
    assert texts() == 0
    assert service.http.delete(f"/tickets/{ticket['id']}").status_code == 204


def test_a_cancelled_one_never_appears_as_ready(service: Service) -> None:
    accepted = service.http.post("/languages/ay/text", json={"corpus": {"texts": LINES}}).json()
    path = f"/language-deltas/{accepted['language_delta']['id']}"
    refused(service.http.get(f"{path}/export"), 409, "not_ready_yet")
    refused(service.http.delete(path), 409, "in_use")
    assert service.http.post(f"/jobs/{accepted['job']['id']}/cancel").status_code == 202
    assert service.http.get(path).json()["status"] == "cancelled"
    assert service.http.delete(path).status_code == 204
