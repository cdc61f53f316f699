"""Requests that come together share a look-up; each gets what the database says after it came, and its own error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import event
from support.registry_rows import TENANT, ready_adapter

from app.api.adapter_lookups import FEW, AdapterLookups, Question
from app.errors import NoAdapterForLanguage
from app.registry import aliases
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.database import Database


def asked(*langs: str, tenant: str = TENANT) -> list[Question]:
    return [Question(tenant, lang, None, None) for lang in langs]


def together(db: Database, *finds: list[Question]) -> list[Any]:
    """Ask for each list at the same moment; errors come back as values."""

    async def ask() -> list[Any]:
        lookups = AdapterLookups(db, CircuitBreaker(db))
        calls: list[Coroutine[Any, Any, Any]] = [lookups.find(each) for each in finds]
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(ask())


def test_those_who_come_together_are_one_transaction(db: Database) -> None:
    swahili, quechua = ready_adapter(db), ready_adapter(db, lang="quy")
    begun: list[object] = []
    event.listen(db.engine, "begin", begun.append)
    answers = together(db, *[asked("sw"), asked("quy", "sw")] * 20)
    assert [[each.id for each in answer] for answer in answers] == [[swahili.id], [quechua.id, swahili.id]] * 20
    assert len(begun) == 1


def test_an_error_is_for_those_alone_who_asked_for_it(db: Database) -> None:
    there = ready_adapter(db)
    right, wrong, foreign = together(db, asked("sw"), asked("sw", "yo"), asked("sw", tenant="amber"))
    assert [each.id for each in right] == [there.id]
    assert isinstance(wrong, NoAdapterForLanguage)
    assert isinstance(foreign, NoAdapterForLanguage), "what is another tenant's is nobody else's"


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_an_alias_that_was_moved_counts_for_the_next_request(db: Database, count: int) -> None:
    first, second = ready_adapter(db), ready_adapter(db)
    others = [f"yo-x-{number}" for number in range(count - 1)]
    for lang in others:
        ready_adapter(db, lang=lang)

    async def before_and_after() -> list[str]:
        lookups = AdapterLookups(db, CircuitBreaker(db))
        before = await lookups.find(asked("sw", *others))
        with db.write() as session:
            aliases.set_alias(session, tenant=TENANT, lang="sw", alias="production", version=1)
        after = await lookups.find(asked("sw", *others))
        return [before[0].id, after[0].id]

    assert asyncio.run(before_and_after()) == [second.id, first.id]
