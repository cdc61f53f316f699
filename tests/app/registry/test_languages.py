"""What answers for each language, and how well: the same adapter that a bare language means."""

from __future__ import annotations

from typing import Any

from support.registry_rows import TENANT, ready_adapter

from app.registry import aliases, languages
from app.storage.database import Database
from app.storage.models import AdapterRow
from ltp.metrics import wilson

DEV: dict[str, Any] = {"accuracy": 0.75, "interval": list(wilson(3, 4)), "confusion": [[2, 0, 0], [1, 1, 0], [0, 0, 0]]}


def answering(db: Database, *langs: str, tenant: str = TENANT) -> dict[str, languages.Answering]:
    with db.read() as session:
        return languages.answering(session, tenant=tenant, langs=langs)


def change(db: Database, adapter: AdapterRow, **columns: Any) -> None:
    with db.write() as session:
        row = session.get_one(AdapterRow, adapter.id)
        for name, value in columns.items():
            setattr(row, name, value)


def test_it_is_what_a_bare_language_means(db: Database) -> None:
    first, second = ready_adapter(db), ready_adapter(db)
    other = ready_adapter(db, lang="quy", alias="best")
    change(db, first, metrics={"dev": DEV, "per_seed": [{"seed": 0}]}, name="first try")
    found = answering(db, "sw", "quy", "ayr")
    assert {lang: each.id for lang, each in found.items()} == {"sw": second.id, "quy": other.id}
    assert (found["sw"].version, found["sw"].dev, found["sw"].since) == (2, None, second.published_at)
    with db.write() as session:
        aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=1)
    moved = answering(db, "sw")["sw"]
    assert (moved.id, moved.name, moved.dev) == (first.id, "first try", DEV)
    assert moved.since > (second.published_at or moved.since)
    with db.read() as session:
        for lang, each in answering(db, "sw", "quy").items():
            assert aliases.resolve_language(session, tenant=TENANT, lang=lang).id == each.id


def test_what_is_shared_answers_where_there_is_none_of_ones_own(db: Database) -> None:
    theirs = ready_adapter(db, lang="mul")
    change(db, theirs, shared=True)
    assert answering(db, "mul", tenant="amber")["mul"].id == theirs.id
    with db.write() as session:
        aliases.set_alias(session, tenant=TENANT, lang="mul", alias="production", version=1)
    before = answering(db, "mul", tenant="amber")["mul"]
    assert before.since == theirs.published_at, "another tenant's alias is nobody else's"
