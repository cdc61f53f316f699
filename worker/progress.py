"""From a training loop's callback to the job's row: throttled, with the time that is left, and fenced."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy.exc import DBAPIError

from app import jobs
from app.jobs import Claim
from app.process import HeapTrimmer
from app.storage.database import Database
from ltp.progress import Progress

log = structlog.get_logger(__name__)

INTERVAL_S = 1.0
"""Least time between two writes within a phase."""
EPOCH = ("seed", "rate", "epoch")
"""What tells one finished epoch of a training from another."""
JUDGED = "dev_accuracy"
"""The figure that a call has that knows how an epoch ended."""
MOST_EPOCHS = 200
"""Finished epochs that one event tells of; of shorter ones the newest."""


class ProgressReporter:
    """Records progress. A call raises `LeaseLost` or `CancelRequested` when the job must stop.

    A database that does not answer is no reason to stop: the runner's lease decides that.
    """

    def __init__(self, db: Database, claim: Claim, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._claim, self._clock = db, claim, clock
        self._began: dict[str, tuple[float, int]] = {}  # when each phase was first heard of, and at which step
        self._known: dict[str, dict[str, float]] = {}  # a phase's figures: a call that is not written is not lost
        self._written = float("-inf")
        self._epochs: deque[dict[str, float]] = deque(maxlen=MOST_EPOCHS)  # that ended since the last event
        self._epoch: tuple[float | None, ...] = ()  # the last that did
        self._heap = HeapTrimmer()

    def __call__(self, progress: Progress) -> None:
        """Note the progress; write it when the phase is new, or the last write is long enough ago.

        Phases may take turns, as training and validating do: only the first time is one new.
        """
        self._heap.trim_if_due()
        moment = self._clock()
        known = self._known.setdefault(progress.phase, {})
        known |= progress.metrics
        self._note_epoch(progress)
        new = progress.phase not in self._began
        if new:
            self._began[progress.phase] = (moment, progress.step)
        if new or moment - self._written >= INTERVAL_S:
            self._written = moment
            self._write(replace(progress, metrics=dict(known)), self._left(progress, moment))

    def log(self, message: str) -> None:
        """Tell those who watch the job something in words."""
        try:
            with self._db.write() as session:
                jobs.log(session, self._claim, message)
        except DBAPIError as error:
            log.warning("a message could not be recorded", error=error)

    def _note_epoch(self, progress: Progress) -> None:
        """Keep the figures of an epoch that has ended, of which one call tells, or many."""
        which = tuple(progress.metrics.get(name) for name in EPOCH)
        if JUDGED in progress.metrics and which != self._epoch:
            self._epoch = which
            self._epochs.append(dict(progress.metrics))

    def _left(self, progress: Progress, moment: float) -> float | None:
        """Estimate the seconds left in this phase from its pace so far."""
        began, first = self._began[progress.phase]
        done = progress.step - first
        return (moment - began) / done * max(progress.total - progress.step, 0) if done > 0 else None

    def _write(self, progress: Progress, eta_s: float | None) -> None:
        try:
            with self._db.write() as session:
                jobs.record_progress(
                    session,
                    self._claim,
                    phase=progress.phase,
                    step=progress.step,
                    total=progress.total,
                    metrics=progress.metrics,
                    eta_s=eta_s,
                    epochs=list(self._epochs),
                )
            self._epochs.clear()
        except DBAPIError as error:
            log.warning("progress could not be recorded", error=error)
