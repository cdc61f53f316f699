"""The starter: it comes with the program, answers every language, flagged, and belongs to nobody in particular."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from support.packed_starter import write_starter
from support.running_service import Service, refused, running, settings_for

from app.settings import MIB
from app.storage.models import AdapterRow, TicketRow
from app.storage.quotas import StorageQuota

pytestmark = pytest.mark.process

PAIRS = [{"premise": "the dog runs", "hypothesis": "the dog is red"}]
ADMIN = "k" * 32


@pytest.fixture(scope="module")
def starters(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> list[Path]:
    """Two folders, each with a starter of its own for the tiny backbone."""
    home = tmp_path_factory.mktemp("starters")
    with running(settings_for(home / "data", migrated_sqlite, tiny_backbone_dir)) as service:
        service.wait_ready()
        service.make_ticket()
        return [
            write_starter(service, home / f"starter-{seed}", training={"seed": seed, "epochs": 2}) for seed in (1, 2)
        ]


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path, starters: list[Path]
) -> Iterator[Service]:
    """A service that had nothing but a starter when it was ready."""
    directory = tmp_path_factory.mktemp("started") / "data"
    settings = settings_for(
        directory, migrated_sqlite, tiny_backbone_dir, starter=str(starters[0]), auth="on", admin_key=ADMIN
    )
    with running(settings) as service:
        service.http.headers["Authorization"] = f"Bearer {ADMIN}"
        service.wait_ready()
        yield service


@pytest.fixture(scope="module")
def other(started: Service) -> dict[str, str]:
    """Headers of another tenant's key."""
    body = {"tenant": "field", "name": "k", "scopes": ["read", "predict", "train"]}
    made = started.http.post("/keys", json=body)
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['secret']}"}


def starter_of(service: Service, **headers: str) -> dict[str, Any]:
    (listed,) = [
        adapter
        for adapter in service.http.get("/adapters", headers=headers).json()["items"]
        if adapter["origin"] == "starter"
    ]
    return dict(listed)


def predicted(service: Service, headers: dict[str, str] | None = None, **request: Any) -> dict[str, Any]:
    answer = service.http.post("/predict", json={"pairs": PAIRS, **request}, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["predictions"][0])


def test_an_empty_service_answers_any_language_as_soon_as_it_is_ready(started: Service) -> None:
    starter = starter_of(started)
    for lang in ("sw", "quy", "yo"):
        answer = predicted(started, lang=lang)
        assert (answer["fallback"], answer["adapter"]["id"]) == (True, starter["id"])
    for reference in ("starter", "mul@starter", "mul", "mul@1", starter["id"]):
        answer = predicted(started, adapter=reference)
        assert (answer["fallback"], answer["adapter"]["id"]) == (False, starter["id"]), reference
    refused(started.http.post("/predict", json={"adapter": "sw@1", "pairs": PAIRS}), 404, "adapter_not_found")


def test_what_the_documentation_asks_is_answered_by_an_empty_service(started: Service) -> None:
    schemas = started.http.get("/openapi.json").json()["components"]["schemas"]
    (example,) = schemas["PredictRequest"]["examples"]
    answer = started.http.post("/predict", json=example)
    assert answer.status_code == 200, answer.text
    assert [each["fallback"] for each in answer.json()["predictions"]] == [True, True]


def test_it_says_everywhere_what_it_is(started: Service, other: dict[str, str]) -> None:
    starter = starter_of(started)
    assert (starter["lang"], starter["version"], starter["aliases"]) == ("mul", 1, ["starter"])
    shown = started.http.get(f"/adapters/{starter['id']}").json()
    assert (shown["origin"], shown["shared"], shown["status"]) == ("starter", True, "ready")
    for headers in ({}, other):
        (language,) = started.http.get("/languages", headers=headers).json()["items"]
        assert (language["lang"], language["versions"], language["starters"]) == ("mul", [1], [1])
        ticket = started.http.get(f"/tickets/{starter['ticket']}", headers=headers).json()
        assert (ticket["origin"], ticket["shared"]) == ("import", True)


def test_every_tenant_uses_it_and_none_can_delete_it(started: Service, other: dict[str, str]) -> None:
    starter = starter_of(started)
    for reference in ("starter", "mul@starter", "mul", starter["id"]):
        assert predicted(started, other, adapter=reference)["adapter"]["id"] == starter["id"]
    assert predicted(started, other, lang="sw")["fallback"]
    assert started.http.get(f"/adapters/{starter['id']}/export", headers=other).status_code == 200
    for headers in ({}, other):
        body = refused(started.http.delete(f"/adapters/{starter['id']}", headers=headers), 409, "in_use")
        assert "came with the program" in body["detail"]
    gone = started.http.delete(f"/tickets/{starter['ticket']}", headers=other)
    refused(gone, 404, "ticket_not_found")
    refused(started.http.delete(f"/tickets/{starter['ticket']}"), 409, "in_use")
    refused(started.http.put(f"/tickets/{starter['ticket']}/shared", json={"shared": False}), 409, "in_use")


def test_nobody_is_charged_for_it(started: Service, starters: list[Path]) -> None:
    packed = starters[0].joinpath("tiny.safetensors").stat().st_size
    with started.app.state.db.of("default").read() as session:
        assert StorageQuota(MIB).left(session, "default") > MIB - packed


def test_files_of_any_tenant_are_judged_by_it_too(started: Service, other: dict[str, str]) -> None:
    rows = "".join(json.dumps({**PAIRS[0], "lang": lang}) + "\n" for lang in ("sw", "yo", "mul"))
    files = {"file": ("pairs.jsonl", rows), "request": (None, json.dumps({"lang": "quy"}))}
    accepted = started.http.post("/predictions", files=files, headers=other)
    assert accepted.status_code == 202, accepted.text
    started.work()
    prediction = started.http.get(f"/predictions/{accepted.json()['prediction']['id']}", headers=other).json()
    assert (prediction["status"], prediction["fallback"]) == ("ready", True)
    assert prediction["summary"]["fallback"] == 2
    assert {each["reference"]: each["fallback"] for each in prediction["adapters"]} == {
        "quy": True,
        "sw": True,
        "yo": True,
        "mul": False,
    }


def test_it_is_installed_once_and_a_newer_one_is_the_next_version(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, starters: list[Path]
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir)
    seen = []
    for folder in (starters[0], starters[0], starters[1], starters[0]):
        with running(settings.model_copy(update={"starter": str(folder)})) as service:
            service.wait_ready()
            seen.append(predicted(service, lang="sw")["adapter"]["version"])
            with service.app.state.db.read() as session:
                rows = session.scalar(select(func.count()).select_from(AdapterRow))
                tickets = session.scalar(select(func.count()).select_from(TicketRow))
    assert (seen, rows, tickets) == ([1, 1, 2, 2], 2, 1)


def test_without_one_or_switched_off_a_language_without_an_adapter_has_none(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, starters: list[Path]
) -> None:
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, starter=str(starters[0]))
    with running(settings) as service:
        service.wait_ready()
    (tmp_path / "none").mkdir()
    for value in ("off", str(tmp_path / "none")):
        with running(settings.model_copy(update={"starter": value})) as service:
            service.wait_ready()
            answer = service.http.post("/predict", json={"lang": "sw", "pairs": PAIRS})
            if value == "off":
                refused(answer, 404, "no_adapter_for_language")
                named = service.http.post("/predict", json={"adapter": "starter", "pairs": PAIRS})
                refused(named, 404, "adapter_not_found")
            else:  # what an earlier release brought stays
                assert answer.json()["predictions"][0]["fallback"]


def test_a_damaged_file_leaves_a_service_without_a_starter(
    tmp_path: Path, migrated_sqlite: Path, tiny_backbone_dir: Path, starters: list[Path]
) -> None:
    folder = Path(shutil.copytree(starters[0], tmp_path / "damaged"))
    content = bytearray((folder / "tiny.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "tiny.safetensors").write_bytes(content)
    settings = settings_for(tmp_path / "data", migrated_sqlite, tiny_backbone_dir, starter=str(folder))
    with running(settings) as service:
        service.wait_ready()
        refused(service.http.post("/predict", json={"lang": "sw", "pairs": PAIRS}), 404, "no_adapter_for_language")
