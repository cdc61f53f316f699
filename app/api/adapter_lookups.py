"""What references mean, asked of the database together: one look-up for all requests that wait for one by then.

Requests come in bunches, since a batch of the engine answers many clients at the same moment, and mostly ask for the
same few adapters. A request that names many adapters has a look-up of its own, so that others do not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from app.errors import AppError
from app.registry.aliases import ResolvedAdapter, resolve
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.database import Database
from ltp.errors import LTPError

FEW = 8
"""References of a request that is looked up together with others."""
MOST_AT_ONCE = 64
"""Questions in one look-up."""


class Question(NamedTuple):
    """What is asked of the database: a reference, as a tenant means it."""

    tenant: str
    reference: str | None
    fallback: str | None
    starter_of: str | None


Answer = ResolvedAdapter | AppError | LTPError


class AdapterLookups:
    """The look-ups of one process, one under way at a time. Belongs to the event loop."""

    def __init__(self, circuit_breaker: CircuitBreaker) -> None:
        self._circuit_breaker = circuit_breaker
        self._waiting: dict[Question, tuple[Database, asyncio.Future[Answer]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, db: Database, questions: Sequence[Question]) -> list[ResolvedAdapter]:
        """Return what each of some distinct questions comes to, as a query that began after the call says.

        `db` is a view of the tenant that asks.

        Raises:
            DatabaseUnavailable: the database does not answer. Else what `resolve` raises for the first that fails.
        """
        if len(questions) > FEW:
            found = await self._circuit_breaker.call(partial(_look_up, [(db, each) for each in questions]))
            return [_checked(found[each]) for each in questions]
        answers = [self._asked(db, each) for each in questions]
        if self._task is None:
            self._task = asyncio.create_task(self._ask_while_any_wait())
        await asyncio.wait(answers)  # others may wait for the same: cancelling this call cancels none of them
        return [_checked(answer.result()) for answer in answers]

    def _asked(self, db: Database, question: Question) -> asyncio.Future[Answer]:
        if question not in self._waiting:
            answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieved)
            self._waiting[question] = db, answer
        return self._waiting[question][1]

    async def _ask_while_any_wait(self) -> None:
        try:
            while self._waiting:
                await self._ask_for_some()
        finally:
            self._task = None

    async def _ask_for_some(self) -> None:
        asked = {each: self._waiting.pop(each) for each in list(self._waiting)[:MOST_AT_ONCE]}
        try:
            found = await self._circuit_breaker.call(partial(_look_up, [(db, each) for each, (db, _) in asked.items()]))
        except BaseException as error:
            for _, answer in asked.values():
                answer.cancel() if isinstance(error, asyncio.CancelledError) else answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for question, (_, answer) in asked.items():
            answer.set_result(found[question])


def _look_up(asked: Sequence[tuple[Database, Question]]) -> Mapping[Question, Answer]:
    """Ask for each; those of one tenant in one session. In a thread."""
    views = {question.tenant: db for db, question in asked}
    found: dict[Question, Answer] = {}
    for tenant, db in views.items():
        with db.read() as session:
            for _, question in asked:
                if question.tenant == tenant:
                    try:
                        found[question] = resolve(session, **question._asdict())
                    except (AppError, LTPError) as error:
                        found[question] = error
    return found


def _checked(answer: Answer) -> ResolvedAdapter:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _retrieved(answer: asyncio.Future[Answer]) -> None:
    """Look at an error: those who asked may be gone, and asyncio logs what nobody has seen."""
    if not answer.cancelled():
        answer.exception()
