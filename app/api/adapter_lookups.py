"""What references mean, asked of the database together.

Requests come in bunches, since a batch of the engine answers many clients at the same moment, and mostly ask for the
same few adapters. A request that names many adapters has a look-up of its own, so that others do not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.errors import AppError
from app.registry.aliases import ResolvedAdapter, resolve
from app.storage.circuit_breaker import CircuitBreaker
from app.storage.database import Database
from app.storage.shared_lookups import SharedLookups
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
    """The look-ups of one process. Belongs to the event loop."""

    def __init__(self, db: Database, circuit_breaker: CircuitBreaker) -> None:
        self._db, self._circuit_breaker = db, circuit_breaker
        self._lookups = SharedLookups(circuit_breaker, self._look_up, most_at_once=MOST_AT_ONCE)

    async def find(self, questions: Sequence[Question]) -> list[ResolvedAdapter]:
        """Return what each of some distinct questions comes to, as a query that began after the call says.

        Raises:
            DatabaseUnavailable: the database does not answer. Else what `resolve` raises for the first that fails.
        """
        if len(questions) <= FEW:
            return [_checked(answer) for answer in await self._lookups.ask(questions)]
        found = await self._circuit_breaker.call(partial(self._look_up, questions))
        return [_checked(found[question]) for question in questions]

    def _look_up(self, questions: Sequence[Question]) -> Mapping[Question, Answer]:
        """Ask for each, those of one tenant in one session."""
        found: dict[Question, Answer] = {}
        for tenant in dict.fromkeys(question.tenant for question in questions):
            with self._db.of(tenant).read() as session:
                for question in questions:
                    if question.tenant == tenant:
                        found[question] = _answered(session, question)
        return found


def _answered(session: Session, question: Question) -> Answer:
    try:
        return resolve(session, **question._asdict())
    except (AppError, LTPError) as error:
        return error


def _checked(answer: Answer) -> ResolvedAdapter:
    if isinstance(answer, Exception):
        raise answer
    return answer
