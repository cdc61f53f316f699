"""What the display shows of a run: the backbone being found, then the cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.cli.progress import ProgressDisplay
from app.cli.read_settings import cache_settings

if TYPE_CHECKING:
    from ltp.backbone.manifest import BackboneInfo
    from ltp.reproduce.run.runner import RunCallback


def located(backbone: str, shown: ProgressDisplay) -> BackboneInfo:
    """The backbone's manifest, prepared or downloaded if need be."""
    from ltp.backbone.locate import resolve
    from ltp.progress import Progress

    def report(progress: Progress) -> None:
        shown.update(progress.phase, progress.step, progress.total, metrics=progress.metrics)

    return resolve(backbone, cache_dir=cache_settings().backbone_dir, progress=report)


def run_progress(shown: ProgressDisplay, trim: Callable[[], object]) -> RunCallback:
    """Show how far the run is, and trim memory meanwhile."""
    from ltp.reproduce.run.runner import RunProgress

    def update(run: RunProgress) -> None:
        trim()
        metrics = run.within.metrics if run.within else None
        shown.update(run.cell, run.done, run.total, metrics=metrics, eta_s=run.eta_s)

    return update
