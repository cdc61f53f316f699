"""Checkpoints that report, in the job's log, whether a repeated attempt goes on or starts afresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from ltp.training.checkpoint import Checkpoints, State


class ReportedCheckpoints(Checkpoints):
    """As `Checkpoints`; the first `load` reports what it found."""

    def __init__(self, directory: Path, *, earlier: Sequence[Path], attempt: int, tell: Callable[[str], None]) -> None:
        super().__init__(directory, earlier=earlier)
        self._attempt, self._tell = attempt, tell
        self._repeated = attempt > 1 or bool(earlier)
        self._told = False

    def load(self, *, identity: str | None = None) -> tuple[dict[str, Tensor], State] | None:
        """Read the newest whole checkpoint, of this attempt or an earlier one."""
        loaded = super().load(identity=identity)
        if not self._told and (loaded is not None or self._repeated):
            self._told = True
            where = f" at step {loaded[1]['step']}" if loaded is not None and "step" in loaded[1] else ""
            self._tell(
                f"attempt {self._attempt}: no checkpoint of an earlier attempt is here; starting afresh"
                if loaded is None
                else f"attempt {self._attempt}: resuming from an earlier attempt's checkpoint{where}"
            )
        return loaded
