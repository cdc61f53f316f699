"""What an adapter goes back to: a starter, none, or nobody knows."""

from __future__ import annotations

from typing import Any

from support.registry_rows import TENANT, ready_adapter

from app.registry.lineage import goes_back_to_starter
from app.storage.database import Database
from app.storage.models import AdapterRow


def made(db: Database, lang: str = "sw", **columns: Any) -> AdapterRow:
    """A published adapter with these columns."""
    adapter = ready_adapter(db, lang=lang)
    with db.write() as session:
        row = session.get_one(AdapterRow, adapter.id)
        for name, value in columns.items():
            setattr(row, name, value)
    return adapter


def from_(adapter: AdapterRow) -> dict[str, Any]:
    return {"id": adapter.id, "lang": adapter.lang, "version": adapter.version}


def found(db: Database, adapter: AdapterRow) -> bool | None:
    with db.of(TENANT).read() as session:
        return goes_back_to_starter(session, session.get_one(AdapterRow, adapter.id))


def test_a_starter_is_found_however_far_back(db: Database) -> None:
    starter = made(db, "mul", origin="starter", shared=True)
    first = made(db, start=from_(starter))
    second = made(db, start=from_(first))
    alone = made(db, "mul")
    terms = [
        {"kind": "language_delta", "id": "gone"},
        *({"kind": "adapter", "id": each.id} for each in (alone, second)),
    ]
    composed = made(db, origin="composed", training={"terms": terms})
    assert [found(db, each) for each in (starter, first, second, composed)] == [True] * 4
    assert found(db, alone) is False
    assert found(db, made(db, start=from_(alone))) is False


def test_what_is_not_known_is_not_taken_for_none(db: Database) -> None:
    gone = {"id": "0" * 32, "version": 1}
    assert found(db, made(db, start=gone | {"lang": "quy"})) is None
    assert found(db, made(db, start=gone | {"lang": "mul"})) is True, "a starter of an earlier release"
    assert found(db, made(db, origin="import")) is None
    assert found(db, made(db, start=from_(made(db, origin="import")))) is None
    said = {"start": gone | {"lang": "mul"}}
    assert found(db, made(db, origin="import", training=said)) is True
    assert found(db, made(db, origin="import", training={"start": "what", "terms": "ever"})) is None
