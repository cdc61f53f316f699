"""Which adapter each reference means, asked of the database for every request, and remembered for when it is down.

While the database does not answer, a reference means what it meant last, for `OFFLINE_S` after the database said so,
and only if the engine holds the adapter: what is not in memory cannot be had.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from app.api.schemas.predictions import AdapterRef, Addressed, PredictRequest
from app.errors import DatabaseUnavailable
from app.inference.adapter_source import AdapterKey
from app.inference.predictor import Predictor
from app.registry.aliases import resolve
from app.settings import Settings
from app.storage.circuit_breaker import Clock, Outage
from app.storage.database import Database

MOST = 10_000
"""References remembered; the one used longest ago is forgotten first."""


class Choice(NamedTuple):
    """The adapter that judges a pair, and whether it stands in for a language without one."""

    adapter: AdapterRef
    fallback: bool


class Meaning(NamedTuple):
    """What a reference meant, and when the database said so, by the process's clock."""

    choice: Choice
    said_at: float


class _Asked(NamedTuple):
    """All that a meaning depends on."""

    tenant: str
    reference: str | None
    fallback: str | None


class Resolutions:
    """The memory of one process. Belongs to the event loop, except the look-ups, which run in threads."""

    def __init__(
        self, settings: Settings, predictor: Predictor, *, outage: Outage, clock: Clock = time.monotonic
    ) -> None:
        self.predictor, self.outage = predictor, outage
        self._offline_s, self._clock = settings.offline_s, clock
        self._meanings: OrderedDict[_Asked, Meaning] = OrderedDict()

    async def choose(self, db: Database, request: PredictRequest, *, tenant: str) -> list[Choice]:
        """Return each pair's adapter; each reference is looked up once.

        Raises:
            NoAdapterForLanguage, AdapterNotFound, InvalidReference: see `resolve`.
            DatabaseUnavailable: it does not answer, and one of the adapters cannot be had without it.
        """
        addressed = [pair if pair.reference is not None else request for pair in request.pairs]
        wanted = {_Asked(tenant, one.reference, request.fallback): one for one in addressed}
        moment = self._clock()
        try:
            found = await self.outage.ask(partial(self._look_up, db, wanted))
            self._remember(found, moment)
        except DatabaseUnavailable:
            found = {asked: self._recall(asked, moment) for asked in wanted}
        return [found[_Asked(tenant, one.reference, request.fallback)] for one in addressed]

    @staticmethod
    def _look_up(db: Database, wanted: Mapping[_Asked, Addressed]) -> dict[_Asked, Choice]:
        found = {}
        with db.read() as session:
            for asked, one in wanted.items():
                chosen = resolve(session, tenant=asked.tenant, reference=one.reference, fallback=asked.fallback)
                found[asked] = Choice(AdapterRef.of(chosen.adapter), chosen.fallback)
        return found

    def _remember(self, found: dict[_Asked, Choice], moment: float) -> None:
        for asked, choice in found.items():
            self._meanings[asked] = Meaning(choice, moment)
            self._meanings.move_to_end(asked)
        while len(self._meanings) > MOST:
            self._meanings.popitem(last=False)

    def _recall(self, asked: _Asked, moment: float) -> Choice:
        meaning = self._meanings.get(asked)
        fresh = meaning is not None and moment - meaning.said_at < self._offline_s
        if (
            meaning is None
            or not fresh
            or not self.predictor.holds(AdapterKey(asked.tenant, meaning.choice.adapter.id))
        ):
            raise DatabaseUnavailable
        return meaning.choice

    def _held(self, asked: _Asked, meaning: Meaning) -> bool:
        return self.predictor.holds(AdapterKey(asked.tenant, meaning.choice.adapter.id))
