"""A ticket's distribution over the layers as a strip of blocks, readable with colours and without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

BLOCKS = " ▁▂▃▄▅▆▇█"
COLD, HOT = (59, 76, 192), (221, 77, 51)
COLUMN = 6
MARGIN = 9


def strip(distribution: Sequence[dict[str, Any]], *, width: int) -> list[Text]:
    """Lines to print: for each layer its share of all active parameters and its own density, as block and percentage.

    A block's height and colour are relative to the largest of its row, so the two rows compare layers, not each other.
    """
    per_line = max(1, (width - MARGIN) // COLUMN)
    largest = {key: max(entry[key] for entry in distribution) or 1.0 for key in ("share", "density")}
    lines: list[Text] = []
    for start in range(0, len(distribution), per_line):
        part = distribution[start : start + per_line]
        if start:
            lines.append(_row("", []))
        lines.append(
            _row("layer", ["emb" if entry["layer"] == "embeddings" else str(entry["layer"]) for entry in part])
        )
        for key in ("share", "density"):
            lines.append(_blocks(key, [entry[key] / largest[key] for entry in part]))
            lines.append(_row("", [_short(entry[key]) for entry in part]))
    return lines


def _row(name: str, cells: Sequence[str]) -> Text:
    from rich.text import Text

    return Text(f"{name:<{MARGIN}}" + "".join(f"{cell:<{COLUMN}}" for cell in cells), style="dim" if not name else "")


def _blocks(name: str, heights: Sequence[float]) -> Text:
    from rich.text import Text

    line = Text(f"{name:<{MARGIN}}")
    for height in heights:
        block = BLOCKS[max(height > 0, round(height * (len(BLOCKS) - 1)))]
        line.append(block * (COLUMN - 1), style=f"rgb({','.join(map(str, _colour(height)))})").append(" ")
    return line


def _colour(height: float) -> tuple[int, ...]:
    return tuple(round(cold + (hot - cold) * height) for cold, hot in zip(COLD, HOT, strict=True))


def _short(share: float) -> str:
    """A percentage in at most five characters: `12.3%`."""
    value = 100 * share
    if 0 < value < 0.05:
        return "<0.1%"
    return f"{value:.1f}%" if value < 99.95 else "100%"
