"""The backbone this process serves: located and loaded by the engine's thread, read by the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from app.errors import NotReady
from app.settings import Settings
from ltp.backbone.manifest import BackboneInfo
from ltp.compute.device import choose_device
from ltp.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from ltp.backbone.load import Backbone
    from ltp.engine.precision import PrecisionChoice

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
        self._info: BackboneInfo | None = None

    @property
    def info(self) -> BackboneInfo:
        """Sizes and fingerprint; raises NotReady until they are known, which is before the weights are loaded."""
        if self._info is None:
            raise self.not_ready()
        return self._info

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

    def _load(self) -> Backbone:
        from ltp.backbone.locate import resolve

        self.state = "preparing"
        self._info = resolve(self.settings.backbone, cache_dir=self.settings.backbone_dir)
        self.state = "loading"

        from ltp.backbone.load import load_backbone

        backbone = load_backbone(self._info, device=self.device())
        self.vocabulary = Vocabulary(backbone.tokenizer)
        return backbone

    def device(self) -> str:
        """Return the device to serve on."""
        return choose_device(self.settings.device)
