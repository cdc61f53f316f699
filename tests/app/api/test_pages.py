"""Lists are bounded in bytes whatever the rows hold, and notes are small, counted, and left out of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from support.registry_rows import make_prediction, ready_adapter, ready_ticket
from support.running_service import Service, refused, running, settings_for

from app.api.pages import LARGEST_PAGE
from app.registry.adapter_notes import CARRIED_BYTES, AdapterNotes
from app.settings import MIB
from app.storage.database import Database
from app.storage.models import AdapterRow, AliasRow, BlobRow, DriftRow
from app.storage.quotas import StorageQuota
from app.storage.table import now
from ltp.adapter.artefact import read_export

pytestmark = pytest.mark.process

TENANT = "default"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, tiny_backbone_dir: Path) -> Iterator[Service]:
    """A service with one adapter in production, trained without a ticket."""
    directory = tmp_path_factory.mktemp("kept") / "data"
    with running(settings_for(directory, migrated_sqlite, tiny_backbone_dir, max_stored_mb=40)) as service:
        service.wait_ready()  # an import is tried on the engine
        service.train("en", alias="production", method="pt")
        yield service


def with_notes(service: Service, folder: Path, **changes: Any) -> bytes:
    """The adapter's export with other notes."""
    path = folder / "exported"
    path.write_bytes(service.export("en"))
    adapter, ticket, notes, *_ = read_export(path)
    changed = json.loads(notes)
    for name, value in changes.items():
        changed[name] = value
    adapter.save(folder / "forged", ticket=ticket, notes=json.dumps(changed))
    return (folder / "forged").read_bytes()


def items_of(service: Service, path: str, **wanted: str) -> list[dict[str, Any]]:
    """Every item, page after page, each of which is bounded."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = service.http.get(path, params={"limit": 200, **wanted, **cursor})
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < LARGEST_PAGE + 10_000 or len(answer.json()["items"]) == 1
        found += answer.json()["items"]
        if (after := answer.json()["next_cursor"]) is None:
            return found
        cursor = {"cursor": after}


def stored_notes(service: Service) -> int:
    with service.app.state.db.read() as session:
        return session.scalar(select(func.sum(AdapterRow.notes_bytes)).where(AdapterRow.origin == "import")) or 0


def test_notes_of_an_import_are_small_and_details_that_are_too_much_are_left_out(kept: Service, tmp_path: Path) -> None:
    scores = [{"seed": number, "epochs": ["x" * 2000] * 4} for number in range(90)]
    own = json.loads(read_export(_written(tmp_path, kept.export("en"))).notes)
    metrics = {**own["metrics"], "per_seed": scores}
    answer = kept.bring_in(with_notes(kept, tmp_path, seeds=90, metrics=metrics), lang="es")
    assert answer.status_code == 201, answer.text
    adapter = kept.http.get(f"/adapters/{answer.json()['id']}").json()
    assert adapter["metrics"]["per_seed"] == []
    scored = {**own["metrics"]["dev"], "estimated": None}  # no file says it of a score that was held out
    assert adapter["metrics"]["dev"] == scored, "what a table of scores needs is there"
    assert stored_notes(kept) <= CARRIED_BYTES

    huge = with_notes(kept, tmp_path, training={"a": ["x" * 1000] * 900})
    body = refused(kept.bring_in(huge, lang="es"), 422, "corrupt_artifact")
    assert f"{CARRIED_BYTES:,}" in body["detail"]
    many = with_notes(kept, tmp_path, seeds=1, metrics={"per_seed": [{}] * 2})
    assert "metrics.per_seed" in refused(kept.bring_in(many, lang="es"), 422, "corrupt_artifact")["detail"]
    wrong = with_notes(kept, tmp_path, seeds=1, metrics={"per_seed": [1] * 200_000})
    assert len(refused(kept.bring_in(wrong, lang="es"), 422, "corrupt_artifact")["detail"]) < 2000


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "own"
    path.write_bytes(content)
    return path


def test_an_export_carries_no_more_than_an_import_keeps(kept: Service, tmp_path: Path) -> None:
    (listed,) = kept.http.get("/adapters?lang=en&alias=production").json()["items"]
    courses = [{"seed": 0, "epochs": [{"train_loss": 0.123456789, "epoch": number} for number in range(9000)]}]
    with kept.app.state.db.write() as session:
        row = session.get_one(AdapterRow, listed["id"])
        before = row.training
        row.training = {**before, "report": {**before["report"], "courses": courses}}
    notes = json.loads(read_export(_written(tmp_path, kept.export("en"))).notes)
    assert len(json.dumps(notes)) < CARRIED_BYTES + 1000
    assert "courses" not in notes["training"]["report"]
    assert kept.bring_in(kept.export("en"), lang="zu").status_code == 201
    with kept.app.state.db.write() as session:
        session.get_one(AdapterRow, listed["id"]).training = before


def test_lists_leave_details_out_and_a_single_adapter_has_them(kept: Service) -> None:
    (listed,) = kept.http.get("/adapters?lang=en&alias=production").json()["items"]
    whole = kept.http.get(f"/adapters/{listed['id']}").json()
    assert (listed["metrics"]["per_seed"], "report" in listed["training"]) == ([], False)
    assert (len(whole["metrics"]["per_seed"]), "report" in whole["training"]) == (1, True)
    assert listed["metrics"]["dev"] == whole["metrics"]["dev"]


def test_rows_of_a_version_that_kept_huge_notes_do_not_fill_a_page(kept: Service) -> None:
    db = kept.app.state.db
    made = {ready_adapter(db, lang="ay", content=b"%d" % number).id for number in range(12)}
    huge = {"per_seed": [{"seed": 1, "text": "x" * 1000}] * 600}
    notes = AdapterNotes({"a": "y" * 100_000}, huge, {})
    with db.write() as session:
        changed = {"training": notes.training, "metrics": notes.metrics, "notes_bytes": notes.size}
        session.execute(update(AdapterRow).where(AdapterRow.id.in_(made)).values(**changed))
    listed = items_of(kept, "/adapters", lang="ay")
    assert {item["id"] for item in listed} == made
    assert len(listed) == len(made), "each once"


def test_every_list_is_bounded_in_bytes(kept: Service) -> None:
    db: Database = kept.app.state.db
    adapter = ready_adapter(db, lang="qu")
    drift, _ = ready_ticket(db, content=b"another")
    predicted = [make_prediction(db, adapter, text=b"%d\n" % number)[0].id for number in range(12)]
    with db.write() as session:
        session.get_one(DriftRow, drift.id).report = {"losses": [], "said": "x" * (3 * MIB)}
        names = (f"a{number:04}" + "x" * 40 for number in range(1500))
        named = {"tenant": TENANT, "lang": "qu", "adapter_id": adapter.id, "updated_at": now(session)}
        session.add_all(AliasRow(alias=name, **named) for name in names)
    assert drift.id in {item["id"] for item in items_of(kept, "/drifts")}
    (quechua,) = [item for item in items_of(kept, "/languages") if item["lang"] == "qu"]
    assert len(quechua["aliases"]) == 1000
    assert {item["id"] for item in items_of(kept, "/predictions")} == set(predicted)
    for path in ("/jobs", "/tickets", "/audit", "/keys", "/workers"):
        items_of(kept, path)


def test_notes_and_records_count_in_what_a_tenant_may_keep(kept: Service) -> None:
    """Also those of jobs that were cancelled at once, which leave nothing else."""
    db: Database = kept.app.state.db
    quota = StorageQuota(40 * MIB)

    def used() -> int:
        with db.read() as session:
            return quota.most - quota.left(session, TENANT)

    before = used()
    for _ in range(20):
        accepted = kept.http.post("/tickets", json={"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}}).json()
        assert kept.http.post(f"/jobs/{accepted['job']['id']}/cancel").status_code == 202
    assert used() - before > 20 * 8192, "a job, a drift, a ticket, events and the trail of them"
    with db.read() as session:
        blobs = session.scalar(select(func.sum(BlobRow.size))) or 0
        notes = session.scalar(select(func.sum(AdapterRow.notes_bytes))) or 0
    assert used() > blobs + notes

    with db.write() as session:
        filled = {"notes_bytes": AdapterRow.notes_bytes + 41 * MIB}
        session.execute(update(AdapterRow).where(AdapterRow.lang == "en").values(**filled))
    submit = kept.http.post("/tickets", json={"corpus": {"builtin": "demo"}, "mlm": {"epochs": 1}})
    refused(submit, 409, "quota_exceeded")
    refused(kept.http.put("/languages/en/aliases/best", json={"version": 1}), 409, "quota_exceeded")
    refused(kept.bring_in(kept.export("en"), lang="ay"), 409, "quota_exceeded")
