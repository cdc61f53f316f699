"""A document as Markdown with tables. The best figure is bold and the second best underlined, as in the paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ltp.reproduce.report.document import Block, Document, Figure, Items, Table, TableCell, Text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_BREAK = re.compile(r"\s*[\r\n]+\s*")


def render(document: Document, *, figures: str = "figures") -> str:
    """The whole document; `figures` is the folder of its drawings, as seen from the file."""
    lines = [f"# {escape(document.title)}", "", escape(document.lead)]
    for section in document.sections:
        lines += ["", f"## {escape(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block, figures)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that means nothing but itself, on one line."""
    return _SPECIAL.sub(r"\\\1", _BREAK.sub(" ", text))


def _block(block: Block, figures: str) -> Iterator[str]:
    match block:
        case Text():
            yield escape(block.text)
        case Items():
            yield from (f"- {escape(item)}" for item in block.items)
        case Figure():
            yield f"![{escape(block.caption)}]({figures}/{block.name}.svg)"
        case Table():
            if block.caption:
                yield from (escape(block.caption), "")
            yield _row(map(escape, block.columns))
            yield _row(["---"] * block.words + ["---:"] * (len(block.columns) - block.words))
            yield from (_row(map(_cell, row)) for row in block.rows)


def _row(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: TableCell) -> str:
    text = escape(cell.text)
    if cell.mark and text:
        text = f"**{text}**" if cell.mark == "best" else f"<ins>{text}</ins>"
    return f"{text}<br><sub>{escape(cell.below)}</sub>" if cell.below else text
