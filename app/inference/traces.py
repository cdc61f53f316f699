"""What a batch leaves in the traces of its requests: how long each waited, the batch, the adapters made ready for it.

Every request's trace has the batch of its own, since a trace belongs to one caller; `ltp.batch.number` is the same in
all that were answered together.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from app.inference.batch_queue import Slice
from app.telemetry.tracing import Attributes, Period, Tracing
from ltp.engine.pairs import PairRequest, Prediction

if TYPE_CHECKING:
    from ltp.engine.usage import AdapterUse, UseCallback


class BatchTraces:
    """Collects what the engine tells of a call, and makes spans when that is over. For the engine's thread."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._uses: dict[Hashable, AdapterUse] = {}
        self._numbers = count(1)

    @property
    def on_use(self) -> UseCallback | None:
        """What the engine is to tell of each adapter; None where nothing is traced."""
        return self._note if self._tracing.on else None

    def _note(self, use: AdapterUse) -> None:
        self._uses[use.key] = use

    def add(
        self,
        batch: Sequence[Slice[PairRequest, Prediction]],
        began: float,
        *,
        ended: float | None = None,
        error: Exception | None = None,
    ) -> None:
        """Make the spans of a call that is over, in each traced request's trace."""
        if not self._tracing.on:
            return
        period = Period(began, time.monotonic() if ended is None else ended)
        uses, self._uses = self._uses, {}
        shared = {
            "ltp.batch.number": next(self._numbers),
            "ltp.batch.pairs": sum(len(piece.pairs) for piece in batch),
            "ltp.batch.requests": len({id(piece.work) for piece in batch}),
            "ltp.batch.adapters": len({request.key for piece in batch for request in piece.pairs}),
        }
        failed = None if error is None else type(error).__name__
        for piece in batch:
            if piece.work.traceparent:
                self._add_piece(piece, period, shared, uses, failed)

    def _add_piece(
        self,
        piece: Slice[PairRequest, Prediction],
        period: Period,
        shared: Attributes,
        uses: dict[Hashable, AdapterUse],
        failed: str | None,
    ) -> None:
        work = piece.work
        if piece.start == 0 and work.started is not None:
            waited = {"ltp.request.pairs": len(work.pairs)}
            self._tracing.add("queue", Period(work.accepted, work.started), waited, parent=work.traceparent)
        own = {**shared, "ltp.request.pairs": len(piece.pairs)}
        batch = self._tracing.add("batch", period, own, parent=work.traceparent, error=failed)
        for key in dict.fromkeys(request.key for request in piece.pairs):
            if key in uses:
                use = uses[key]
                self._tracing.add("adapter", Period(use.began, use.ended), _described(use), parent=batch)


def _described(use: AdapterUse) -> Attributes:
    return {
        "ltp.adapter.id": str(use.key),
        "ltp.adapter.tier": use.tier,
        "ltp.adapter.loaded": use.fetched,
        "ltp.adapter.fused": use.fused,
    }
