"""The pairs that an adapter was trained on as a file: CSV for spreadsheets, or JSON lines, to be trained on again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from ltp.text.examples.findings import Part

COLUMNS = ("premise", "hypothesis", "label")
LANG = "lang"
MARK = "\ufeff"
"""Tells Excel that it is UTF-8."""
Format = Literal["jsonl", "csv"]


def table(chunks: Iterable[bytes], part: Part, form: Format, *, with_lang: bool) -> Iterator[bytes]:
    """Write one part of what `app.registry.datasets.write_parts` wrote, chunk by chunk.

    `with_lang` adds a column with the language of pairs of several.
    """
    columns = [*COLUMNS, *([LANG] if with_lang else [])]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    if form == "csv":
        text.write(MARK)
        writer.writeheader()
    for chunk in _whole_lines(chunks):
        for row in map(json.loads, chunk.splitlines()):
            if row["part"] != part:
                continue
            if form == "csv":
                writer.writerow(row)
            else:
                text.write(_line({name: row.get(name) for name in columns if name in row}))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut where lines end, and not where chunks do."""
    rest = b""
    for chunk in chunks:
        whole, end, rest = (rest + chunk).rpartition(b"\n")
        yield whole + end
    yield rest


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
