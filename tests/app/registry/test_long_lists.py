"""A page of a long registry: own adapters and shared ones in one order, read from an index, not by sorting them all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from support.registry_rows import TENANT, ready_adapter

from app.registry import adapters, languages
from app.storage.database import Database
from app.storage.models import AdapterRow


def share(db: Database, adapter: AdapterRow) -> None:
    with db.write() as session:
        session.get_one(AdapterRow, adapter.id).shared = True


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pages_hold_ones_own_and_what_is_shared_in_one_order(db: Database, limit: int) -> None:
    made = [ready_adapter(db, tenant=tenant) for tenant in ("amber", TENANT, TENANT, "amber", "blue", TENANT)]
    for theirs in made[1:3]:
        share(db, theirs)
    share(db, made[0])
    seen: list[str] = []
    cursor = None
    with db.of("amber").read() as session:
        while not seen or cursor:
            page = adapters.list_page(session, tenant="amber", limit=limit, cursor=cursor)
            seen += [row.id for row in page.items]
            cursor = page.next_cursor
            assert len(page.items) == limit or cursor is None
    assert seen == [made[number].id for number in (3, 2, 1, 0)]


def test_a_page_of_languages_tells_versions_aliases_and_what_came_along(db: Database) -> None:
    for lang, alias in (("sw", "best"), ("sw", None), ("quy", None), ("mul", None)):
        made = ready_adapter(db, lang=lang, alias=alias)
    share(db, made)
    with db.of(TENANT).read() as session:
        first = languages.list_page(session, tenant=TENANT, limit=2)
        rest = languages.list_page(session, tenant=TENANT, limit=2, cursor=first.next_cursor)
        foreign = languages.list_page(session, tenant="amber")
    found = [(row.lang, row.versions, row.aliases, row.starters) for row in (*first.items, *rest.items)]
    assert found == [("mul", [1], {}, [1]), ("quy", [1], {}, []), ("sw", [2, 1], {"best": 1}, [])]
    assert rest.next_cursor is None
    assert [row.lang for row in foreign.items] == ["mul"]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_no_list_is_sorted_or_read_whole_for_a_page(db: Database) -> None:
    ready_adapter(db)
    statements: list[tuple[str, Any]] = []
    with db.of(TENANT).read() as session:
        event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2:4]))
        adapters.list_page(session, tenant=TENANT, cursor="0" * 32)
        languages.tags_by_language(session, tenant=TENANT)
        asked = [each for each in statements if "FROM adapters" in each[0] and "shared = 1 AND" not in each[0]]
        assert len(asked) >= 2
        cursor = db.engine.raw_connection().cursor()
        for statement, parameters in asked:
            plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            by_id = any("sqlite_autoindex_adapters_1 (id=?)" in step for step in plan)  # a page's rows, known by then
            assert by_id or not any("TEMP B-TREE" in step for step in plan), plan
            assert not any("MULTI-INDEX OR" in step or step.startswith("SCAN adapters") for step in plan), plan
