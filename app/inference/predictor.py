"""Predictions in the API process: one thread loads the backbone and answers batches until the queue is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from app.errors import AppError, QueueFull
from app.inference.adapter_source import AdapterKey, ImportedFile
from app.inference.batch_queue import PairQueue, Slice
from app.inference.build_engine import build_engine
from app.inference.served_backbone import ServedBackbone
from app.inference.stagger import Stagger
from app.inference.traces import BatchTraces
from app.inference.work import Work
from app.process import ENGINE_NICENESS, HeapTrimmer, end_startup, lower_priority
from app.settings import Settings
from app.storage.database import Database
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import Tracing
from ltp.engine.pairs import PairRequest, Prediction
from ltp.errors import AdapterNotUsable, LTPError
from ltp.text.normalised import normalised_length

if TYPE_CHECKING:
    from ltp.engine.engine import Engine

log = structlog.get_logger(__name__)

BATCHES_AHEAD = 2
"""Engine batches taken from the queue at once: more group better by adapter, fewer let new requests in sooner."""
IDLE_S = 1.0
"""Seconds without a request after which free memory is returned to the system."""
TRIAL = (
    ("A man is reading a book in the garden.", "Somebody reads outside."),
    ("The children were singing on the way to school, and nobody on the bus seemed to mind it. " * 8, "It was quiet."),
)
"""Pairs that an import has to answer: a short one and a long one."""
TEMPLATE_TOKENS = 12
MOST_COUNTED = 8_192
"""Characters of a text; more make no difference, for no backbone reads so many."""
CHARACTERS_A_TOKEN = 3
"""An estimate that only shares out batches; the engine counts exactly."""


class Predictor:
    """The engine of this process with its queue. Routes call `predict` on the event loop; a thread computes."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        metrics: Metrics,
        *,
        tracing: Tracing | None = None,
        wait_for: Callable[[], None] = lambda: None,
    ) -> None:
        """`wait_for` returns when what goes on beside the loading is done, and everything is ready with it."""
        self._traces = BatchTraces(tracing or Tracing())
        self.settings, self.db, self.metrics = settings, db, metrics
        self._wait_for = wait_for
        self.backbone = ServedBackbone(settings)
        self.draining = False
        self._queue: PairQueue[PairRequest, Prediction] = PairQueue(
            settings.queue_pairs, max_wait_s=settings.max_wait_s
        )
        self._stagger = Stagger()
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start loading the backbone, then answering."""
        self._thread.start()

    def drain(self) -> None:
        """Have `/readyz` say that this process is about to stop; everything else goes on."""
        self.draining = True

    def stop(self) -> None:
        """Answer what was accepted, then end the thread. A backbone that is still loading is not waited for."""
        self.drain()
        self._queue.close()
        if self.ready:
            self._thread.join()

    @property
    def ready(self) -> bool:
        """Whether predictions can be served."""
        return self.backbone.state == "ready"

    def drop(self, adapter: AdapterKey | ImportedFile) -> None:
        """Remove a deleted adapter, or one that was tried, from memory."""
        if self._engine is not None:
            self._engine.drop(adapter)

    def holds(self, adapter: AdapterKey) -> bool:
        """Tell whether an adapter is in memory, so that it can judge without the database."""
        return self._engine is not None and self._engine.holds(adapter)

    def admit(self, pairs: int = 1, *, tenant: str) -> None:
        """Raise QueueFull if so many pairs of a tenant would be refused now, before their body is read."""
        with self.metrics.refusals.count_exceptions(QueueFull):
            self._queue.admit(pairs, tenant=tenant)

    async def predict(self, requests: Sequence[PairRequest], *, tenant: str) -> Work[PairRequest, Prediction]:
        """Predict the pairs of a tenant; the `future` of what is returned holds the predictions in their order.

        Cancelling the call cancels what the engine has not begun.

        Raises:
            NotReady: the backbone is not loaded.
            QueueFull: too many pairs wait already.
            AdapterNotUsable: answers of an adapter are not finite.
        """
        work = self._submit(requests, tenant=tenant)
        try:
            await asyncio.wrap_future(work.future)
            await self._stagger.wait()
        except asyncio.CancelledError:
            self._queue.cancel(work)
            raise
        work.finished = time.monotonic()
        self.metrics.queue_seconds.observe(work.queued_s)
        self.metrics.compute_seconds.observe(work.computed_s)
        return work

    def try_out(self, file: ImportedFile) -> None:
        """Have an adapter that is not stored yet answer a few pairs, in their turn; for a thread that may wait.

        Raises:
            NotReady, QueueFull, AdapterNotUsable: see `predict`. Likewise whatever the engine finds in the file.
        """
        try:
            self._submit([PairRequest(file, *pair) for pair in TRIAL], tenant=file.tenant).future.result()
        finally:
            self.drop(file)

    def _submit(self, requests: Sequence[PairRequest], *, tenant: str) -> Work[PairRequest, Prediction]:
        if not self.ready or self._engine is None:
            raise self.backbone.not_ready()
        self._engine.check_usable(request.key for request in requests)
        most = self.backbone.info.max_positions
        costs = [min(most, _tokens_of(request)) for request in requests]
        work = Work[PairRequest, Prediction](requests, costs, tenant)
        with self.metrics.refusals.count_exceptions(QueueFull):
            self._queue.put(work)
        self.metrics.queued.set(len(self._queue))
        self._prefetch(requests)
        return work

    def _prefetch(self, requests: Sequence[PairRequest]) -> None:
        """Have cold adapters fetched while the request waits for its turn."""
        if self._engine is not None:
            self._engine.prefetch({request.key for request in requests})

    def figures(self) -> dict[str, float]:
        """Return the engine's own numbers: residency, hits, evictions."""
        return {} if self._engine is None else dict(self._engine.stats())

    def _run(self) -> None:
        lower_priority(ENGINE_NICENESS)
        try:
            self._engine = self._build()
        except Exception as error:  # /readyz says it; the process stays up to say so
            foreseen = isinstance(error, LTPError)
            log.error("the backbone could not be loaded", error=str(error), exc_info=None if foreseen else error)
            return
        finally:
            end_startup()
        heap = HeapTrimmer()
        while batch := self._queue.take(BATCHES_AHEAD * self.settings.max_tokens):
            self._answer(self._engine, batch)
            if self._queue.idle_for(IDLE_S):  # trimming holds up requests and the event loop
                heap.trim_if_due()

    def _build(self) -> Engine:
        backbone = self.backbone.load()
        engine, choice = build_engine(
            self.settings, self.db, backbone, device=self.backbone.device(), on_use=self._traces.on_use
        )
        self.backbone.precision = choice
        self._wait_for()
        self.backbone.state = "ready"
        info = backbone.info
        log.info("the backbone is loaded", name=info.name, fingerprint=info.fingerprint[:12], **choice._asdict())
        return engine

    def _answer(self, engine: Engine, batch: list[Slice[PairRequest, Prediction]]) -> None:
        requests = [request for piece in batch for request in piece.pairs]
        self.metrics.batches.observe(len(requests))
        self.metrics.queued.set(len(self._queue))
        began = time.monotonic()
        try:
            predictions = engine.predict(requests)
        except AdapterNotUsable as error:
            self._traces.add(batch, began, error=error)
            self._answer_usable(engine, batch, error)
            return
        except Exception as error:  # noqa: BLE001  one request's fault must not end the thread that serves all
            self._traces.add(batch, began, error=error)
            self._answer_alone(engine, batch, error)
            return
        self.metrics.pairs.inc(len(requests))
        ended, done = time.monotonic(), 0
        for piece in batch:
            piece.deliver(predictions[done : done + len(piece.pairs)])
            done += len(piece.pairs)
        self._traces.add(batch, began, ended=ended)

    def _answer_usable(
        self, engine: Engine, batch: list[Slice[PairRequest, Prediction]], error: AdapterNotUsable
    ) -> None:
        """Fail what asked for an unusable adapter, and answer the rest of a batch together."""
        rest = []
        for piece in batch:
            if bad := error.keys & {request.key for request in piece.pairs}:
                log.warning("an adapter cannot be used", adapters=sorted(map(str, bad)))
                self._queue.fail(piece.work, AdapterNotUsable(bad))
            else:
                rest.append(piece)
        if rest:
            self._answer(engine, rest)

    def _answer_alone(self, engine: Engine, batch: list[Slice[PairRequest, Prediction]], error: Exception) -> None:
        """Answer a failed batch request by request, so that only the one at fault gets the error."""
        if len(batch) == 1:
            foreseen = isinstance(error, AppError | LTPError)
            log.warning("a prediction failed", error=error, exc_info=None if foreseen else error)
            self._queue.fail(batch[0].work, error)
            return
        for piece in batch:
            self._answer(engine, [piece])


def _tokens_of(request: PairRequest) -> int:
    """Estimate the tokens of a pair, by its characters as the tokenizer sees them."""
    characters = sum(normalised_length(text, most=MOST_COUNTED) for text in (request.premise, request.hypothesis))
    return TEMPLATE_TOKENS + characters // CHARACTERS_A_TOKEN
