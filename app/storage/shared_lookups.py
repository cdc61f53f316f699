"""Questions to the database that come together: one look-up at a time, for everybody who waits by then.

However many ask, a process has one such look-up under way, so that a flood of questions is borne by the database, and
one behind it waits for two look-ups at most. Belongs to the event loop; the look-ups run in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from app.storage.circuit_breaker import CircuitBreaker

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class SharedLookups(Generic[Question, Answer]):
    """The look-ups of one kind in one process. `look_up` answers every question of a list; a thread calls it."""

    def __init__(
        self,
        circuit_breaker: CircuitBreaker,
        look_up: Callable[[Sequence[Question]], Mapping[Question, Answer]],
        *,
        most_at_once: int,
    ) -> None:
        self._circuit_breaker, self._look_up, self._most_at_once = circuit_breaker, look_up, most_at_once
        self._waiting: dict[Question, asyncio.Future[Answer]] = {}
        self._task: asyncio.Task[None] | None = None

    async def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answer to each, of a look-up that began after the call.

        Raises:
            DatabaseUnavailable: the database does not answer. Else what `look_up` raises.
        """
        answers = [self._asked(question) for question in questions]
        if self._task is None:
            self._task = asyncio.create_task(self._ask_while_any_wait())
        if answers:
            await asyncio.wait(answers)  # others may wait for the same: cancelling this call cancels none of them
        return [answer.result() for answer in answers]

    def _asked(self, question: Question) -> asyncio.Future[Answer]:
        if question not in self._waiting:
            answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieved)
            self._waiting[question] = answer
        return self._waiting[question]

    async def _ask_while_any_wait(self) -> None:
        try:
            while self._waiting:
                await self._ask_for_some()
        finally:
            self._task = None

    async def _ask_for_some(self) -> None:
        asked = {each: self._waiting.pop(each) for each in list(self._waiting)[: self._most_at_once]}
        try:
            found = await self._circuit_breaker.call(partial(self._look_up, list(asked)))
        except BaseException as error:
            for answer in asked.values():
                answer.cancel() if isinstance(error, asyncio.CancelledError) else answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for question, answer in asked.items():
            answer.set_result(found[question])


def _retrieved(answer: asyncio.Future[Any]) -> None:
    """Look at an error: those who asked may be gone, and asyncio logs what nobody has seen."""
    if not answer.cancelled():
        answer.exception()
