"""Progress of long work on standard error: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from app.cli.output import clock, stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
FIGURES = {
    "loss": ("loss", "{:.3f}"),
    "validation_loss": ("validation", "{:.3f}"),
    "dev_accuracy": ("dev accuracy", "{:.1%}"),
    "tokens_per_second": ("tokens/s", "{:,.0f}"),
}
"""Of what training reports, what is shown, in this order."""


class ProgressDisplay(Protocol):
    """Shows how far work has come."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""

    def update(
        self, phase: str, step: int, total: int, *, metrics: dict[str, Any] | None = None, eta_s: float | None = None
    ) -> None:
        """Show the newest state; without `eta_s` the remaining time is estimated from the pace of the phase."""

    def log(self, text: str) -> None:
        """Print a line between two states."""


def progress_display(title: str) -> ProgressDisplay:
    """A bar if standard error is a terminal, else lines."""
    return Bar(title) if stderr().is_terminal else Lines(title)


class ProgressEstimate:
    """The time that is left, and the newest value of each figure, since not every step reports all."""

    def __init__(self) -> None:
        self.phase: str | None = None
        self.began = 0.0
        self.first = 0
        self.metrics: dict[str, Any] = {}
        self.left_s: float | None = None

    def update(self, phase: str, step: int, total: int, metrics: dict[str, Any] | None, eta_s: float | None) -> None:
        """Take in the newest state. Each phase has its own pace and figures: a slow one does not spoil a quick one."""
        if phase != self.phase or step < self.first:
            self.phase, self.began, self.first, self.metrics = phase, time.monotonic(), step, {}
        self.metrics |= metrics or {}
        done = step - self.first
        pace = (time.monotonic() - self.began) / done if done and total else None
        self.left_s = eta_s if eta_s is not None or pace is None else pace * (total - step)

    @property
    def figures(self) -> str:
        """The figures that are shown, in short: `loss 3.214 · dev accuracy 48.3 %`."""
        known = [(word, style, self.metrics.get(name)) for name, (word, style) in FIGURES.items()]
        return " · ".join(f"{word} {style.format(value)}" for word, style, value in known if value is not None)

    @property
    def left(self) -> str:
        """The time that is left of the phase, as far as anything can be said: `2:05 left`."""
        return "" if self.left_s is None else f"{clock(self.left_s)} left"


class Bar:
    """A rich progress bar: phase, steps, metrics, time passed and time left."""

    def __init__(self, title: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.title = title
        self.estimate = ProgressEstimate()
        self.progress: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("[cyan]{task.fields[metrics]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[left]}"),
            console=stderr(),
        )
        self.task: TaskID = self.progress.add_task(title, total=None, metrics="", left="")

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def update(
        self, phase: str, step: int, total: int, *, metrics: dict[str, Any] | None = None, eta_s: float | None = None
    ) -> None:
        """Redraw."""
        self.estimate.update(phase, step, total, metrics, eta_s)
        self.progress.update(
            self.task,
            description=f"{self.title}: {phase or 'waiting for a worker'}",
            completed=step,
            total=total or None,
            metrics=self.estimate.figures,
            left=self.estimate.left,
        )

    def log(self, text: str) -> None:
        """Print above the bar."""
        self.progress.console.print(text, markup=False)


class Lines:
    """A line whenever the phase changes, and every ten seconds in between."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.estimate = ProgressEstimate()
        self.console = stderr()
        self.phase: str | None = None
        self.printed = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(
        self, phase: str, step: int, total: int, *, metrics: dict[str, Any] | None = None, eta_s: float | None = None
    ) -> None:
        """Print, unless the last line is recent and says the same phase."""
        self.estimate.update(phase, step, total, metrics, eta_s)
        now = time.monotonic()
        if phase == self.phase and now - self.printed < LINE_EVERY_S and step != total:
            return
        self.phase, self.printed = phase, now
        parts = [f"{step}/{total}" if total else "", self.estimate.figures, self.estimate.left]
        said = " · ".join(part for part in parts if part)
        self.console.print(f"{self.title}: {phase or 'waiting for a worker'} {said}".rstrip(), markup=False)

    def log(self, text: str) -> None:
        """Print."""
        self.console.print(text, markup=False)
