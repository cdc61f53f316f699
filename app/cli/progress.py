"""Progress of long work on standard error: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from app.cli.output import percent, stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
SHARES = ("accuracy",)
SHOWN_METRICS = 4


class Reporter(Protocol):
    """Something that can show how far work has come."""

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
        """Say something between two states."""


def reporter(title: str) -> Reporter:
    """A bar if standard error is a terminal, else lines."""
    return Bar(title) if stderr().is_terminal else Lines(title)


class Pace:
    """Estimates the remaining time of a phase from its own steps, so that a slow phase does not spoil a quick one."""

    def __init__(self) -> None:
        self.phase: str | None = None
        self.began = 0.0
        self.first = 0

    def eta(self, phase: str, step: int, total: int) -> float | None:
        """Seconds to the end of the phase, or None while nothing can be said."""
        now = time.monotonic()
        if phase != self.phase or step < self.first:
            self.phase, self.began, self.first = phase, now, step
        done = step - self.first
        return None if not done or not total else (now - self.began) / done * (total - step)


class Bar:
    """A rich progress bar: phase, steps, metrics, time passed and time left."""

    def __init__(self, title: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.title = title
        self.pace = Pace()
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
        left = eta_s if eta_s is not None else self.pace.eta(phase, step, total)
        self.progress.update(
            self.task,
            description=f"{self.title}: {phase or 'waiting for a worker'}",
            completed=step,
            total=total or None,
            metrics=summary(metrics),
            left="" if left is None else f"{clock(left)} left",
        )

    def log(self, text: str) -> None:
        """Print above the bar."""
        self.progress.console.print(text, markup=False)


class Lines:
    """A line whenever the phase changes, and every ten seconds in between."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.pace = Pace()
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
        left = eta_s if eta_s is not None else self.pace.eta(phase, step, total)
        now = time.monotonic()
        if phase == self.phase and now - self.printed < LINE_EVERY_S and step != total:
            return
        self.phase, self.printed = phase, now
        parts = [f"{step}/{total}" if total else "", summary(metrics), "" if left is None else f"{clock(left)} left"]
        said = " · ".join(part for part in parts if part)
        self.console.print(f"{self.title}: {phase or 'waiting for a worker'} {said}".rstrip(), markup=False)

    def log(self, text: str) -> None:
        """Print."""
        self.console.print(text, markup=False)


def summary(metrics: dict[str, Any] | None) -> str:
    """The first few metrics in short: `loss 3.214 · accuracy 48.3 %`."""
    shown = []
    for name, value in (metrics or {}).items():
        if isinstance(value, int | float):
            text = percent(value) if name.endswith(SHARES) else f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
            shown.append(f"{name.replace('_', ' ')} {text}")
    return " · ".join(shown[:SHOWN_METRICS])


def clock(seconds: float) -> str:
    """Minutes and seconds: `2:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
