"""What a report is made of before it is Markdown or HTML: sections of text, lists, tables and figures.

All of it is plain text; `markdown` and `html` escape it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Mark = Literal["best", "second"]


@dataclass(frozen=True)
class TableCell:
    """A cell's text, what stands in smaller letters below it, and whether it is a best or second-best figure."""

    text: str
    below: str = ""
    mark: Mark | None = None


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Columns and rows; the first `words` columns hold words, the others figures."""

    columns: Sequence[str]
    rows: Sequence[Sequence[TableCell]]
    caption: str = ""
    words: int = 1


@dataclass(frozen=True)
class Figure:
    """A drawing: its file's name without suffix, the SVG, and what it shows in words."""

    name: str
    svg: str
    caption: str


Block = Text | Items | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    sections: Sequence[Section]

    @property
    def figures(self) -> list[Figure]:
        """Every figure, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Figure)]
