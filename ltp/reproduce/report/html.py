"""A document as one HTML page that needs no other file. `report.html.jinja` is the page; every text is escaped."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from ltp.reproduce.report.document import Document, Figure, Items, Table, Text

TEMPLATE = "report.html.jinja"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A browser that holds the page to this cannot be made to fetch or run anything by what stands in it."""
BLOCKS = {"paragraph": Text, "list": Items, "figure": Figure, "table": Table}
"""What the template calls each kind of block."""


def render(document: Document) -> str:
    """The whole page."""
    return _template().render(document=document, policy=POLICY)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["base64"] = _base64
    for name, kind in BLOCKS.items():
        environment.tests[name] = _is(kind)
    return environment.from_string((files("ltp.reproduce.report") / TEMPLATE).read_text(encoding="utf-8"))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _is(kind: type) -> Any:
    return lambda block: isinstance(block, kind)
