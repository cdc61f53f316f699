"""A result file as rows: JSON lines, or cells between whatever the file that was sent in had between them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

Rows: TypeAlias = "list[dict[str, Any]]"
CELLS = ("tab-separated-values", "csv")
"""Of media types, those of files of cells."""
DECLARED = re.compile(r'\s*"?sep=[^\w"\r\n]"?[ ,;\t]*\r?\n', re.IGNORECASE)
"""A first line that says what stands between the cells, for Excel."""
HEADER = re.compile(r"answered_by([^\w\s]|\t)(?:predicted_)?fallback")
UNNAMED = re.compile(r"@\d+([^\w\s]|\t)(?:true|false)\1(?:true|false)")
"""Of the columns that are added to every row, those that tell a header, and a row of a file without one."""
ANSWERED_BY = re.compile(r"[\w-]+@\d+")
LABELS = ("entailment", "neutral", "contradiction", "not_entailment")
TWO_WAY = ("entailment", "not_entailment")


def rows_of(content: bytes, media_type: str) -> Rows:
    """The rows of a result. Without a header columns are called 1, 2, ..., and those that were added by their names."""
    text = content.decode("utf-8-sig")
    if any(kind in media_type for kind in CELLS):
        return list(_named(text, separator="\t" if CELLS[0] in media_type else ","))
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _named(text: str, *, separator: str) -> Iterator[dict[str, Any]]:
    declared = DECLARED.match(text)
    text = text[declared.end() :] if declared else text
    header = HEADER.search(text)
    added = header or UNNAMED.search(text)
    rows = _cells(text, added[1] if added else separator)
    if not rows:
        return
    names = _names(rows[0]) if added and not header else rows.pop(0)
    for row in rows:
        yield dict(zip(names, row))  # noqa: B905  a short row has no value for the last names


def _cells(text: str, separator: str) -> list[list[str]]:
    """The cells; where quotes do not wrap them, as in many files with tabs, quotes are letters of the texts."""
    plain = [line.rstrip("\r").split(separator) for line in text.split("\n") if line.strip()]
    try:
        quoted = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
    except csv.Error:
        return plain
    return plain if _is_even(plain) and not _is_even(quoted) else quoted


def _is_even(rows: list[list[str]]) -> bool:
    return len(set(map(len, rows))) <= 1


def _names(row: list[str]) -> list[str]:
    """Names for the columns of a file that has no header, told by what stands in one of its rows."""
    at = max(place for place, cell in enumerate(row) if ANSWERED_BY.fullmatch(cell))
    label = max(place for place in range(at) if row[place] in LABELS)
    shares = {len(TWO_WAY): TWO_WAY, len(LABELS): LABELS}.get(at - label - 1, LABELS[:3])
    added = ["label", *shares, "answered_by", "fallback", "truncated", "abstained"]
    return [*map(str, range(1, label + 1)), *added[: len(row) - label]]
