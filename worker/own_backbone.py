"""Which backbone this worker has: prepared before the first job is claimed, and looked at again before each."""

from __future__ import annotations

import threading
from functools import cached_property

import structlog

from app.settings import Settings
from ltp.backbone.locate import resolve
from ltp.errors import LTPError

log = structlog.get_logger(__name__)

RETRY_S = 10.0
"""A backbone that could not be had is tried again so often."""


class OwnBackbone:
    """The fingerprint of the worker's backbone. Preparing or downloading it may take minutes, so a thread does that."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._prepared = threading.Event()
        self.fingerprint = ""
        """Empty while there is none: then no job is taken, and those that are queued stay so."""

    def start(self) -> None:
        """Begin to prepare it."""
        self._thread.start()

    def stop(self) -> None:
        """Do not try again."""
        self._stopping.set()

    def current(self) -> str:
        """Look again: the folder may hold another backbone by now, or none. Empty until it is prepared."""
        if self._prepared.is_set():
            self._look()
        return self.fingerprint

    @cached_property
    def _thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="own-backbone", daemon=True)

    def _run(self) -> None:
        while not self._look() and not self._stopping.wait(RETRY_S):
            pass
        self._prepared.set()

    def _look(self) -> bool:
        try:
            found = resolve(self._settings.backbone, cache_dir=self._settings.backbone_dir).fingerprint
        except (LTPError, OSError) as error:
            log.warning("no job is taken: the backbone cannot be had", reason=str(error))
            found = ""
        self.fingerprint = found
        return bool(found)
