"""A document as one HTML page that needs nothing beside it: style and drawings are inside, and there is no script."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from ltp.reproduce.report.document import Block, Document, Figure, Items, Table, TableCell, Text

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A browser that holds the page to this cannot be made to fetch or run anything by what stands in it."""
STYLE = """
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: #1d2329; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.2rem; font-size: 1.2rem; border-bottom: 1px solid #d8dee4; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; margin: .6rem 0; }
caption { text-align: left; padding: .3rem 0; color: #57606a; }
th, td { padding: .2rem .5rem; border-bottom: 1px solid #e6eaee; text-align: right; }
th, td { vertical-align: top; white-space: nowrap; }
th.word, td.word { text-align: left; } td .below { display: block; font-size: 11px; color: #6a737d; }
.best { font-weight: 700; } .second { text-decoration: underline; } figure { margin: 1rem 0; } img { max-width: 100%; }
figcaption { font-size: 13px; color: #57606a; }
"""


def render(document: Document) -> str:
    """The whole page."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(document.title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(document.title)}</h1><p>{escape(document.lead)}</p>",
    ]
    for section in document.sections:
        parts += [f"<h2>{escape(section.title)}</h2>", *map(_block, section.blocks)]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text():
            return f"<p>{escape(block.text)}</p>"
        case Items():
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
        case Figure():
            data = base64.b64encode(block.svg.encode()).decode()
            image = f'<img alt="{escape(block.caption)}" src="data:image/svg+xml;base64,{data}">'
            return f"<figure>{image}<figcaption>{escape(block.caption)}</figcaption></figure>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = "".join(_tag("th", escape(name), index < table.words) for index, name in enumerate(table.columns))
    rows = "".join(f"<tr>{_cells(row, table.words)}</tr>" for row in table.rows)
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="wide"><table>{caption}{body}</table></div>'


def _cells(row: Iterable[TableCell], words: int) -> str:
    return "".join(_tag("td", _cell(cell), index < words) for index, cell in enumerate(row))


def _tag(name: str, content: str, word: bool) -> str:  # noqa: FBT001
    return f'<{name} class="word">{content}</{name}>' if word else f"<{name}>{content}</{name}>"


def _cell(cell: TableCell) -> str:
    text = f'<span class="{cell.mark}">{escape(cell.text)}</span>' if cell.mark else escape(cell.text)
    return text + (f'<span class="below">{escape(cell.below)}</span>' if cell.below else "")
