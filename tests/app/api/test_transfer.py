"""Adapters between services: an export brings everything along, and nothing else gets in."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.running_service import Service, refused, running, settings_for

from ltp.adapter.artefact import Adapter, Export, read_export
from ltp.calibration import Calibration

pytestmark = pytest.mark.process

PAIRS = [{"premise": f"the {who} runs", "hypothesis": f"the {who} is red"} for who in ("dog", "cat", "horse")]


@pytest.fixture(scope="module")
def exported(trained: Service) -> bytes:
    return trained.export("en")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Any:
    """Another service on the same backbone, with an empty registry."""
    directory = tmp_path_factory.mktemp("elsewhere") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        yield service


def judge(service: Service, reference: str) -> list[dict[str, float]]:
    answer = service.http.post("/predict", json={"adapter": reference, "pairs": PAIRS})
    assert answer.status_code == 200, answer.text
    return [prediction["probabilities"] for prediction in answer.json()["predictions"]]


def test_an_adapter_does_the_same_elsewhere(trained: Service, elsewhere: Service, exported: bytes) -> None:
    response = elsewhere.bring_in(exported, alias="production")
    assert response.status_code == 201, response.text
    adapter = response.json()
    assert adapter["metrics"]["stored_agreement"]["stored"] == "int8"
    (listed,) = trained.http.get("/adapters?lang=en&alias=production").json()["items"]
    original = trained.http.get(f"/adapters/{listed['id']}").json()
    for field in ("lang", "method", "backbone", "metrics", "training", "examples", "seeds", "name", "text_form"):
        assert adapter[field] == original[field], field
    assert (adapter["version"], adapter["aliases"], adapter["origin"]) == (1, ["production"], "import")
    for here, there in zip(judge(elsewhere, "en"), judge(trained, "en@production"), strict=True):
        assert here == pytest.approx(there, abs=1e-6)
    ticket = elsewhere.http.get(f"/tickets/{adapter['ticket']}").json()
    first = trained.http.get(f"/tickets/{original['ticket']}").json()
    same = ("active", "selectable", "distribution", "strategy", "rule", "layers", "mask_bytes", "active_ratio")
    assert {field: ticket[field] for field in same} == {field: first[field] for field in same}
    assert (ticket["origin"], ticket["drift"], ticket["status"]) == ("import", None, "ready")
    masks = [
        service.http.get(f"/tickets/{identifier}/mask").content
        for service, identifier in ((elsewhere, ticket["id"]), (trained, first["id"]))
    ]
    assert masks[0] == masks[1]


def test_an_older_adapter_reads_texts_as_before_beside_a_newer_one(
    elsewhere: Service, exported: bytes, tmp_path: Path
) -> None:
    (tmp_path / "newer").write_bytes(exported)
    adapter, ticket, notes, _ = read_export(tmp_path / "newer")
    said = json.loads(notes)
    said["training"]["prompt_length"] = 99
    dataclasses.replace(adapter, text_form=0).save(tmp_path / "older", ticket=ticket, notes=json.dumps(said))
    newer = elsewhere.bring_in(exported, lang="ee").json()
    older = elsewhere.bring_in((tmp_path / "older").read_bytes(), lang="ee").json()
    assert (newer["text_form"], newer["training"]["text_form"]) == (1, 1)
    assert (older["text_form"], older["training"]["text_form"]) == (0, 0), "the file's form, whatever its notes say"
    assert older["training"]["prompt_length"] == newer["training"]["prompt_length"] == len(adapter.prompt)

    ways = [{"premise": premise, "hypothesis": "the cat is red"} for premise in ("the dog runs", " the  dog runs ")]
    pairs = [{**way, "adapter": each["id"]} for each in (older, newer) for way in ways]
    answers = elsewhere.http.post("/predict", json={"pairs": pairs}).json()["predictions"]
    plain, spaced, newer_plain, newer_spaced = (answer["probabilities"] for answer in answers)
    assert plain == pytest.approx(newer_plain, abs=1e-5)
    assert newer_spaced == pytest.approx(newer_plain, abs=1e-6)
    assert spaced != pytest.approx(plain, abs=1e-5), "further blanks are further tokens, as they were"

    lost = {"premise": "ƀ ƀƀ", "hypothesis": "ƀ"}  # a character of the table
    answers = elsewhere.http.post("/predict", json={"pairs": [{**lost, "adapter": newer["id"]}]}).json()["predictions"]
    assert answers[0]["unknown"] == 0
    body = {"pairs": [{**lost, "adapter": older["id"]}]}
    assert "(ƀ)" in refused(elsewhere.http.post("/predict", json=body), 422, "invalid_request")["detail"]


def test_a_calibration_comes_along_and_changes_the_answers(elsewhere: Service, exported: bytes, tmp_path: Path) -> None:
    calibration = Calibration(3.0, (0.0, 2.0, -2.0))

    def calibrated(export: Export) -> tuple[Adapter, Any, str]:
        return dataclasses.replace(export.adapter, calibration=calibration), export.ticket, export.notes

    for content, lang in ((exported, "rw"), (forged(exported, tmp_path, calibrated), "sn")):
        assert elsewhere.bring_in(content, lang=lang, alias="production").status_code == 201
    for plain, moved in zip(judge(elsewhere, "rw"), judge(elsewhere, "sn"), strict=True):
        wanted = np.exp(calibration.apply(np.log([[*plain.values()]])))
        assert [*moved.values()] == pytest.approx((wanted / wanted.sum())[0].tolist(), abs=1e-5)
    again = tmp_path / "again"
    again.write_bytes(elsewhere.export("sn"))
    assert read_export(again).adapter.calibration == calibration


def test_the_ticket_is_found_again_and_the_language_can_be_another(elsewhere: Service, exported: bytes) -> None:
    first, second = (elsewhere.bring_in(exported, lang=lang).json() for lang in ("quy", "quy"))
    assert (first["lang"], first["version"], second["version"]) == ("quy", 1, 2)
    assert first["ticket"] == second["ticket"]
    assert judge(elsewhere, "quy@1") == judge(elsewhere, "quy@2")
    again = elsewhere.http.get(f"/adapters/{second['id']}/export").content
    assert elsewhere.bring_in(again).json()["lang"] == "quy", "an import can be exported"


def test_an_import_that_moved_nothing_needs_no_ticket(trained: Service, elsewhere: Service) -> None:
    prompt_only = next(row for row in trained.http.get("/adapters?lang=en").json()["items"] if row["method"] == "pt")
    content = trained.http.get(f"/adapters/{prompt_only['id']}/export").content
    adapter = elsewhere.bring_in(content, lang="nah").json()
    assert (adapter["ticket"], adapter["method"]) == (None, "pt")


def test_a_second_service_trains_on_an_imported_ticket(elsewhere: Service, exported: bytes) -> None:
    adapter = elsewhere.bring_in(exported, lang="gn").json()
    assert elsewhere.train("gn", ticket=adapter["ticket"])["version"] == 2


def as_pickle(content: bytes) -> bytes:
    file = io.BytesIO()
    torch.save({"prompt": torch.zeros(4, 32), "content": content}, file)
    return file.getvalue()


def with_length(content: bytes, length: int) -> bytes:
    return length.to_bytes(8, "little") + content[8:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"premise,hypothesis\n",
        lambda _: bytes(1000),
        lambda content: pickle.dumps(content),
        as_pickle,
        lambda content: b"\x80\x04" + content,
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:8],
        lambda content: content + b"\0",
        lambda content: content * 2,
        lambda content: with_length(content, 2**63),
        lambda content: with_length(content, 0),
        lambda content: with_length(content, 100 << 20),
        lambda content: content.replace(b'"__metadata__"', b'"__metabata__"'),
        lambda content: content.replace(b"F32", b"F64"),
        lambda content: content.replace(b"all", b"ill"),
    ],
)
def test_what_is_no_export_is_refused(elsewhere: Service, exported: bytes, damage: Callable[[bytes], bytes]) -> None:
    refused(elsewhere.bring_in(damage(exported), lang="en"), 422, "corrupt_artifact")


def test_a_flipped_bit_anywhere_is_refused(elsewhere: Service, exported: bytes) -> None:
    before = len(elsewhere.http.get("/adapters?limit=200").json()["items"])
    chosen = random.Random(1)
    places = [*range(0, 64, 7), *(chosen.randrange(len(exported)) for _ in range(150))]
    for place in places:
        damaged = bytearray(exported)
        damaged[place] ^= 1 << chosen.randrange(8)
        response = elsewhere.bring_in(bytes(damaged), lang="en")
        assert response.status_code == 422, f"byte {place}: {response.text}"
        assert response.json()["error"] in ("corrupt_artifact", "backbone_mismatch", "non_finite_weights")
    assert len(elsewhere.http.get("/adapters?limit=200").json()["items"]) == before, "nothing of it is kept"


def forged(exported: bytes, directory: Path, forge: Callable[[Export], tuple[Adapter, Any, str]]) -> bytes:
    """An export whose hashes are right and whose content is not."""
    path = directory / "exported"
    path.write_bytes(exported)
    adapter, ticket, notes = forge(read_export(path))
    adapter.save(directory / "forged", ticket=ticket, notes=notes)
    return (directory / "forged").read_bytes()


def spoiled(export: Export, value: float) -> tuple[Adapter, Any, str]:
    prompt = export.adapter.prompt.clone()
    prompt[0, 0] = value
    return dataclasses.replace(export.adapter, prompt=prompt), export.ticket, export.notes


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(
    elsewhere: Service, exported: bytes, tmp_path: Path, value: float
) -> None:
    content = forged(exported, tmp_path, lambda export: spoiled(export, value))
    refused(elsewhere.bring_in(content), 422, "non_finite_weights")


def test_another_backbones_adapter_is_refused(elsewhere: Service, exported: bytes, tmp_path: Path) -> None:
    def elsewhere_made(export: Export) -> tuple[Adapter, Any, str]:
        return dataclasses.replace(export.adapter, backbone="0" * 64), export.ticket, export.notes

    body = refused(elsewhere.bring_in(forged(exported, tmp_path, elsewhere_made)), 422, "backbone_mismatch")
    assert "0" * 64 in body["detail"]


def test_an_adapter_without_its_ticket_is_refused(elsewhere: Service, exported: bytes, tmp_path: Path) -> None:
    content = forged(exported, tmp_path, lambda export: (export.adapter, None, export.notes))
    refused(elsewhere.bring_in(content, lang="en"), 422, "corrupt_artifact")


def lying_ticket(export: Export, **lies: Any) -> tuple[Adapter, Any, str]:
    assert export.ticket is not None
    return export.adapter, dataclasses.replace(export.ticket, **lies), export.notes


@pytest.mark.parametrize(
    "lies",
    [
        {"selectable": 10**30},
        {"moved": -1},
        {"zero_drift": 10**9},
        {"selectable": 1},
    ],
)
def test_a_ticket_with_impossible_figures_is_refused(
    elsewhere: Service, exported: bytes, tmp_path: Path, lies: dict[str, Any]
) -> None:
    content = forged(exported, tmp_path, lambda export: lying_ticket(export, **lies))
    refused(elsewhere.bring_in(content, lang="en"), 422, "corrupt_artifact")


@pytest.mark.parametrize("max_length", [0, -5, 10, 513, 10**12])
def test_an_adapter_for_impossible_lengths_is_refused(
    elsewhere: Service, exported: bytes, tmp_path: Path, max_length: int
) -> None:
    def forge(export: Export) -> tuple[Adapter, Any, str]:
        template = dataclasses.replace(export.adapter.template, max_length=max_length)
        return dataclasses.replace(export.adapter, template=template), export.ticket, export.notes

    refused(elsewhere.bring_in(forged(exported, tmp_path, forge), lang="en"), 422, "corrupt_artifact")


@pytest.mark.parametrize(
    "notes",
    [
        "not json",
        "[]",
        '{"lang": "klingonish"}',
        '{"lang": "en", "name": "a\\u0000b"}',
        '{"lang": "en", "name": "\\ud800"}',
        '{"lang": "en", "extra": 1}',
        '{"lang": "en", "seeds": 0}',
        '{"lang": "en", "metrics": {"dev": {"accuracy": "high"}}}',
        '{"lang": "en", "training": {"a": NaN}}',
        '{"lang": "en", "training": {"a": ' + "[" * 100 + "]" * 100 + "}}",
        '{"lang": "en", "training": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        '{"lang": "en", "name": "' + "x" * 5_000_000 + '"}',
    ],
    ids=lambda notes: notes[:40],
)
def test_notes_are_checked_like_a_request(elsewhere: Service, exported: bytes, tmp_path: Path, notes: str) -> None:
    content = forged(exported, tmp_path, lambda export: (export.adapter, export.ticket, notes))
    refused(elsewhere.bring_in(content, lang="en"), 422, "corrupt_artifact")


@pytest.mark.parametrize(
    "metrics",
    [
        {"per_seed": [1] * 400_000},
        {"per_seed": ["a seed of its own"] * 100_000},
        {"dev": {"accuracy": 0.5, "interval": [0, 1], "confusion": [["a row of words"] * 100_000]}},
        {"mean": {f"part {number}": {f"figure {number}": "none"} for number in range(60_000)}},
    ],
    ids=lambda metrics: next(iter(metrics)),
)
def test_bad_notes_of_megabytes_are_refused_in_few_words(
    elsewhere: Service, exported: bytes, tmp_path: Path, metrics: dict[str, Any]
) -> None:
    notes = json.dumps({"lang": "en", "metrics": metrics})
    content = forged(exported, tmp_path, lambda export: (export.adapter, export.ticket, notes))
    body = refused(elsewhere.bring_in(content), 422, "corrupt_artifact")
    assert len(body["detail"]) <= 2_000
    assert "notes" in body["detail"]


def test_without_notes_the_request_names_the_language(elsewhere: Service, exported: bytes, tmp_path: Path) -> None:
    content = forged(exported, tmp_path, lambda export: (export.adapter, export.ticket, ""))
    body = refused(elsewhere.bring_in(content), 422, "invalid_request")
    assert body["fields"][0]["path"] == "lang"
    assert elsewhere.bring_in(content, lang="ay").json()["lang"] == "ay"


def test_requests_are_checked(elsewhere: Service, exported: bytes) -> None:
    refused(elsewhere.bring_in(exported, lang="english!"), 422, "invalid_request")
    refused(elsewhere.bring_in(exported, alias="Upper"), 422, "invalid_request")
    refused(elsewhere.bring_in(exported, version=3), 422, "invalid_request")
    missing = elsewhere.http.post("/adapters/import", files={"request": (None, "{}")})
    assert refused(missing, 422, "invalid_request")["fields"][0]["path"] == "file"
    assert elsewhere.http.post("/adapters/import", files={"file": ("a", exported)}).status_code == 201
    refused(elsewhere.http.post("/adapters/import", json={"lang": "en"}), 415, "unsupported_media_type")


def test_a_chunk_damaged_in_storage_is_quarantined_and_others_are_served(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, exported: bytes
) -> None:
    from sqlalchemy import update

    from app.storage.models import AdapterRow as Row
    from app.storage.models import BlobChunkRow

    with running(settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        broken = service.bring_in(exported, lang="es").json()
        sound = service.train("en", method="pt")
        with service.app.state.db.write() as session:
            blob = session.get(Row, broken["id"]).blob_id
            session.execute(update(BlobChunkRow).where(BlobChunkRow.blob_id == blob).values(data=b"damaged"))
        pairs = [{**PAIRS[0], "lang": "es"}, PAIRS[0]]
        response = service.http.post("/predict", json={"lang": "en", "pairs": pairs})
        refused(response, 503, "corrupt_blob")
        refused(service.http.get(f"/adapters/{broken['id']}/export"), 503, "corrupt_blob")
        assert len(judge(service, sound["id"])) == len(PAIRS)
        assert json.loads(service.http.get("/readyz").content)["status"] == "ready"
