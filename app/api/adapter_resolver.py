"""Which adapter each reference means, asked of the database for every request, and remembered for when it is down.

While the database does not answer, a reference means what it meant last, for `OFFLINE_S` after the database said so,
and only if the engine holds the adapter: what is not in memory cannot be had.
"""

from __future__ import annotations

import time

from cachetools import TTLCache

from app.api.adapter_lookups import AdapterLookups, Question
from app.api.schemas.predictions import PredictRequest
from app.api.starter_import import StarterImport
from app.errors import DatabaseUnavailable
from app.inference.adapter_source import AdapterKey
from app.inference.predictor import Predictor
from app.registry.aliases import ResolvedAdapter
from app.settings import Settings
from app.storage.circuit_breaker import CircuitBreaker, Clock
from app.storage.database import Database

MOST = 10_000
"""References remembered; the one used longest ago is forgotten first."""

Meanings = dict[str | None, ResolvedAdapter]
"""What the references of one request mean."""


class AdapterResolver:
    """Resolves references for one process. Belongs to the event loop, except the look-ups, which run in threads."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        predictor: Predictor,
        starter: StarterImport,
        *,
        circuit_breaker: CircuitBreaker,
        clock: Clock = time.monotonic,
    ) -> None:
        self.predictor, self.starter, self.circuit_breaker = predictor, starter, circuit_breaker
        self._lookups = AdapterLookups(db, circuit_breaker)
        self._remembered: TTLCache[tuple[str, str | None, str | None], ResolvedAdapter] = TTLCache(
            MOST, ttl=settings.offline_s, timer=clock
        )
        """By tenant, reference and fallback."""

    async def resolve(self, request: PredictRequest, *, tenant: str) -> list[ResolvedAdapter]:
        """Return each pair's adapter; each reference is looked up once.

        Raises:
            NoAdapterForLanguage, AdapterNotFound, InvalidReference: see `app.registry.aliases.resolve`.
            NotReady: a language has none, and the starter is about to come.
            DatabaseUnavailable: it does not answer, and one of the adapters cannot be had without it.
        """
        references = [pair.reference or request.reference for pair in request.pairs]
        distinct, fallback = dict.fromkeys(references), request.fallback
        starter_of = self.predictor.backbone.starter_of
        questions = [Question(tenant, reference, fallback, starter_of) for reference in distinct]
        try:
            with self.starter.awaited():
                found = await self._lookups.find(questions)
            meanings: Meanings = dict(zip(distinct, found, strict=True))
            self._remembered.update({(tenant, reference, fallback): meanings[reference] for reference in distinct})
        except DatabaseUnavailable as away:
            meanings = {reference: self._recall(tenant, reference, fallback, away) for reference in distinct}
        return [meanings[reference] for reference in references]

    def _recall(
        self, tenant: str, reference: str | None, fallback: str | None, away: DatabaseUnavailable
    ) -> ResolvedAdapter:
        adapter = self._remembered.get((tenant, reference, fallback))
        if adapter is None or not self.predictor.holds(AdapterKey(adapter.shared_by or tenant, adapter.id)):
            raise away
        return adapter
