"""The runners of one worker: one, or with several devices (`LTP_DEVICES`) one for each, in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from app.settings import Settings
from app.telemetry.tracing import from_environment
from worker.device_turns import DeviceTurns, Place
from worker.runner import Runner

log = structlog.get_logger(__name__)


class Runners:
    """Work until `stop` is called, all of them. The first takes back what a runner before left, if it is `alone`."""

    def __init__(self, settings: Settings, *, alone: bool, kinds: Sequence[str], say: bool) -> None:
        """`say`: log what becomes of traces."""
        places = range(len(settings.job_devices))
        turns = DeviceTurns(len(places))
        self._all = [
            Runner(
                settings,
                alone=alone and not number,
                kinds=kinds,
                tracing=from_environment("runner", say=say and not number),
                place=Place(settings, kinds, turns=turns, number=number),
            )
            for number in places
        ]
        self._failed = False

    @property
    def id(self) -> str:
        """The first one's."""
        return self._all[0].id

    @property
    def free(self) -> bool:
        """Whether one has time for a job."""
        return any(runner.free for runner in self._all)

    def stop(self) -> None:
        """Leave: running jobs are handed back at once. Safe to call from a signal handler."""
        for runner in self._all:
            runner.stop()

    def wake(self) -> None:
        """Look for work now. Safe to call from any thread."""
        for runner in self._all:
            runner.wake()

    def run(self) -> None:
        """Work until `stop` is called. Raises RuntimeError when a runner beside the first has failed."""
        first, *others = self._all
        threads = [threading.Thread(target=self._run, args=(runner,), name="runner") for runner in others]
        for thread in threads:
            thread.start()
        try:
            first.run()
        finally:
            self.stop()
            for thread in threads:
                thread.join()
        if self._failed:
            raise RuntimeError("a runner failed; its log line says why")

    def _run(self, runner: Runner) -> None:
        try:
            self._all[0].begun.wait()
            runner.run()
        except Exception:
            log.exception("runner failed", worker=runner.id)
            self._failed = True
            self.stop()
