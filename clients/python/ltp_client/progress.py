"""Showing how far a job is: a line of plain text on a terminal, nothing elsewhere, or whatever a callback does."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from ltp_client.events import DONE, LOG, PROGRESS, Event

OnEvent = Callable[[Event], None]
WIDTH = 24
FIGURES = {"loss": "loss {:.3f}", "dev_accuracy": "dev accuracy {:.1%}", "tokens_per_second": "{:,.0f} tokens/s"}
"""Of what training reports, what is shown, in this order."""


@contextlib.contextmanager
def shown(title: str, *, progress: bool | OnEvent, file: TextIO | None = None) -> Iterator[OnEvent]:
    """What is to be called with each event: the callback itself; for True a bar on a terminal (standard error)."""
    if callable(progress):
        yield progress
        return
    where = file or sys.stderr
    if not progress or not _is_terminal(where):
        yield lambda _event: None
        return
    bar = Bar(title, where)
    try:
        yield bar
    finally:
        bar.close()


def _is_terminal(file: TextIO | None) -> bool:
    """Whether lines can be drawn anew there; what stands in for standard error may know less than a file."""
    try:
        return file is not None and file.isatty()
    except (AttributeError, ValueError):  # ValueError: it is closed
        return False


class Bar:
    """Draws the newest state over the last one."""

    def __init__(self, title: str, file: TextIO) -> None:
        self._title, self._file = title, file
        self._figures: dict[str, float] = {}
        self._drawn = 0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind == PROGRESS:
            self._draw(self._line(event))
        elif event.kind == LOG and (message := event.data.get("message")):
            self._draw(str(message))
            self.close()
        elif event.kind == DONE:
            self._draw(f"{self._title}: {event.data.get('status', 'done')}")

    def close(self) -> None:
        """End the line."""
        if self._drawn:
            self._file.write("\n")
            self._file.flush()
        self._drawn = 0

    def _line(self, event: Event) -> str:
        step, total = event.data.get("step") or 0, event.data.get("total") or 0
        told = event.data.get("metrics") or {}
        self._figures.update({name: value for name, value in told.items() if value is not None})
        done = round(WIDTH * min(1.0, step / total)) if total else 0
        bar = f"[{'#' * done}{'-' * (WIDTH - done)}] {step}/{total}" if total else ""
        figures = [style.format(self._figures[name]) for name, style in FIGURES.items() if name in self._figures]
        left = event.data.get("eta_s")
        rest = [] if left is None else ["{}:{:02d} left".format(*divmod(round(left), 60))]
        phase = event.data.get("phase") or "waiting for a worker"
        return "  ".join(filter(None, [f"{self._title}: {phase}", bar, *figures, *rest]))

    def _draw(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]
        self._file.write("\r" + line.ljust(self._drawn))
        self._file.flush()
        self._drawn = len(line)
