"""What files of results are: three formats, whatever the file was that they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResultName = Literal["csv", "tsv", "jsonl"]


@dataclass(frozen=True)
class ResultFormat:
    """One of them."""

    name: ResultName
    suffix: str
    """How the file's name ends."""
    media_type: str


RESULT_FORMATS: dict[ResultName, ResultFormat] = {
    "csv": ResultFormat("csv", ".csv", "text/csv"),
    "tsv": ResultFormat("tsv", ".tsv", "text/tab-separated-values"),
    "jsonl": ResultFormat("jsonl", ".jsonl", "application/jsonl"),
}
