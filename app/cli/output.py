"""Where results go: JSON or a rendering on standard output, notes and progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from app.cli.failure import Failure

AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
BYTES_PER_UNIT = 1000
PIPE_WIDTH = 160
UNICODE = {"utf8", "utf16", "utf32"}


def stdout() -> Console:
    """A console on standard output; wide when that is a file or a pipe, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def stderr() -> Console:
    """A console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Output:
    """One command's results: exactly one JSON document with `--json`, else whatever `render` prints."""

    as_json: bool

    def show(self, data: Any, render: Callable[[Console], None]) -> None:
        """Print `data` as JSON, or call `render`."""
        from app.cli.streams import results

        with results():
            if self.as_json:
                sys.stdout.write(_document(data))
            else:
                render(stdout())

    def note(self, text: str) -> None:
        """Say something on standard error that is no part of the result."""
        from rich.markup import escape

        stderr().print(f"[dim]{escape(text)}[/dim]")

    def fail(self, failure: Failure) -> None:
        """Print a failure: a sentence on standard error, and with `--json` its document on standard output."""
        with suppress(OSError):  # there is nowhere left to say it
            _print_failure(stderr(), failure)
        if self.as_json:
            with suppress(OSError):
                sys.stdout.write(_document(failure.as_dict()))


def _print_failure(console: Console, failure: Failure) -> None:
    from rich.markup import escape

    console.print(f"[bold red]error:[/bold red] {escape(failure.detail)}")
    for field in failure.fields:
        if str(field.get("message", "")) in failure.detail:  # one fault, which the sentence says in full
            continue
        console.print(f"  {escape(str(field.get('path', '')))}: {escape(str(field.get('message', '')))}")
    if failure.request_id:
        console.print(f"[dim]{failure.code}, request {failure.request_id}[/dim]")
    if failure.hint:
        console.print(escape(failure.hint))


def _document(data: Any) -> str:
    """One JSON document; plain ASCII where standard output is not Unicode."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") not in UNICODE
    return json.dumps(data, indent=2, ensure_ascii=plain) + "\n"


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    flexible: int | None = None,
    numeric: int = 0,
) -> RenderableType:
    """A table whose last `numeric` columns are right-aligned; on a narrow terminal only the `flexible` column wraps."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(
        title=title or None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for index, column in enumerate(columns):
        right = index >= len(columns) - numeric
        drawn.add_column(column, justify="right" if right else "left", no_wrap=index != flexible, overflow="fold")
    for row in rows:
        drawn.add_row(*map(escape, row))
    return drawn


def key_values(items: Iterable[tuple[str, str]]) -> RenderableType:
    """Names and values, one pair a line."""
    from rich.markup import escape
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    for name, value in items:
        drawn.add_row(f"[dim]{name}[/dim]", escape(value))
    return drawn


def age(moment: str | None) -> str:
    """How long ago an RFC 3339 time was: `3 min`."""
    if not moment:
        return "-"
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    for length, unit in AGES:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def size(count: float) -> str:
    """A number of bytes for people: `6.4 MB`."""
    for unit in ("B", "kB", "MB"):
        if count < BYTES_PER_UNIT:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= BYTES_PER_UNIT
    return f"{count:.1f} GB"


def percent(share: float | None, *, digits: int = 1) -> str:
    """A share as a percentage: `48.3 %`."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def accuracy(metrics: dict[str, Any] | None) -> str:
    """Accuracy with its 95 % interval: `48.3 % [38.5, 58.3]`."""
    if not metrics:
        return "-"
    low, high = metrics["interval"]
    return f"{percent(metrics['accuracy'])} [{100 * low:.1f}, {100 * high:.1f}]"


def clock(seconds: float) -> str:
    """Minutes and seconds: `2:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
