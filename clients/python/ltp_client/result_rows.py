"""A result file as rows."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, TypeAlias

Rows: TypeAlias = "list[dict[str, Any]]"
TSV = "tab-separated-values"
CSV = "csv"


def rows_of(content: bytes, media_type: str) -> Rows:
    """The rows of a result: JSON lines, CSV or TSV, as its media type says."""
    text = content.decode("utf-8-sig")
    if TSV in media_type or CSV in media_type:
        separator = "\t" if TSV in media_type else ","
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    return [json.loads(line) for line in text.split("\n") if line.strip()]
