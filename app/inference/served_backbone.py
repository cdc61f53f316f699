"""The backbone this process serves: located and loaded by the engine's thread, read by the routes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog

from app.errors import NotReady
from app.setting_values import OFF, ON
from app.settings import Settings
from ltp.backbone.manifest import BackboneInfo
from ltp.compute.device import choose_device
from ltp.errors import CorruptArtifact
from ltp.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.engine.precision import PrecisionChoice
    from ltp.starter import StarterFile

log = structlog.get_logger(__name__)

State = Literal["starting", "preparing", "loading", "ready", "failed"]

WORDS: dict[State, str] = {
    "starting": "the service is starting",
    "preparing": "the backbone is being prepared; the first time this takes a minute",
    "loading": "the backbone is being loaded",
    "ready": "ready",
    "failed": "the backbone could not be loaded",
}
RETRY_AFTER_S = 5


class ServedBackbone:
    """The state and the facts of the backbone. Read by every thread, written by the one that loads it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state: State = "starting"
        self.failure: str | None = None
        self.precision: PrecisionChoice | None = None
        """The arithmetic of serving, and why that; None until the backbone is loaded."""
        self.vocabulary: Vocabulary | None = None
        """What texts are checked with where they come in; None until the backbone is loaded."""
        self.starter: StarterFile | None = None
        """The starter that there is for the backbone; None until `found` is set, and where there is none."""
        self.found = threading.Event()
        """Set once it is known which backbone this is, or that there is none to be had."""
        self._info: BackboneInfo | None = None

    @property
    def info(self) -> BackboneInfo:
        """Sizes and fingerprint; raises NotReady until they are known, which is before the weights are loaded."""
        if self._info is None:
            raise self.not_ready()
        return self._info

    @property
    def starter_of(self) -> str | None:
        """The fingerprint of the backbone whose starter answers here; None while that is not known, and for none."""
        return None if self._info is None or self.settings.starter == OFF else self._info.fingerprint

    def not_ready(self) -> NotReady:
        """Return the error that says why there are no predictions yet."""
        why = WORDS[self.state] if self.failure is None else f"{WORDS['failed']}: {self.failure}"
        return NotReady(why, retry_after=RETRY_AFTER_S)

    def load(self) -> Backbone:
        """Locate, if need be prepare, and load the backbone. Called once, in the engine's thread; imports torch."""
        try:
            return self._load()
        except Exception as error:
            self.failure = f"{error}" or type(error).__name__
            self.state = "failed"
            raise
        finally:
            self.found.set()

    def _load(self) -> Backbone:
        from ltp.backbone.locate import resolve

        self.state = "preparing"
        info = resolve(self.settings.backbone, cache_dir=self.settings.backbone_dir)
        self.starter = self._starter(info)
        self._info = info
        self.found.set()
        self.state = "loading"

        from ltp.backbone.load import load_backbone

        backbone = load_backbone(self._info, device=self.device())
        self.vocabulary = Vocabulary(backbone.tokenizer)
        return backbone

    def _starter(self, info: BackboneInfo) -> StarterFile | None:
        """Look which starter there is. One that is damaged is said, and is none: everything else goes on."""
        if self.settings.starter == OFF:
            return None
        from ltp.starter import find

        folder = {} if self.settings.starter == ON else {"folder": Path(self.settings.starter)}
        try:
            return find(info.fingerprint, **folder)
        except (CorruptArtifact, OSError) as error:
            log.error("the starter cannot be read", reason=str(error))
            return None

    def device(self) -> str:
        """Return the device to serve on."""
        return choose_device(self.settings.device)
