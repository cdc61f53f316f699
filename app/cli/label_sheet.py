"""Suggested pairs as a file that is ready to be labelled: premise, hypothesis, and an empty label."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from app.cli.output import percent, table
from ltp import atomic_file

if TYPE_CHECKING:
    from rich.console import Console

Items = Sequence[dict[str, Any]]
Sheet = Callable[[Path, Items], None]
COLUMNS = ("premise", "hypothesis", "label", "pool_line")


def sheet_of(path: Path) -> Sheet:
    """What writes a file of this name. Raises typer.BadParameter for one of another kind."""
    writers: dict[str, Sheet] = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl}
    if path.suffix.lower() not in writers:
        raise typer.BadParameter(f"{path} is none of {', '.join(writers)}", param_hint="--output")
    atomic_file.check_writable(path)
    return writers[path.suffix.lower()]


def _rows(items: Items) -> list[dict[str, Any]]:
    return [
        {"premise": item["premise"], "hypothesis": item["hypothesis"], "label": "", "pool_line": item["line"]}
        for item in items
    ]


def _csv(path: Path, items: Items) -> None:
    _delimited(path, items, ",", mark="\ufeff")  # by the mark Excel tells UTF-8


def _tsv(path: Path, items: Items) -> None:
    _delimited(path, items, "\t", mark="")


def _delimited(path: Path, items: Items, delimiter: str, *, mark: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(items))
    atomic_file.write_text(path, mark + text.getvalue())


def _jsonl(path: Path, items: Items) -> None:
    atomic_file.write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(items)))


def suggested_table(console: Console, items: Items, *, told: bool) -> None:
    """Show the pairs, unless they went to a file."""
    if told:
        rows = [(str(item["line"]), percent(item["score"]), item["premise"], item["hypothesis"]) for item in items]
        console.print(table(("line", "unsure", "premise", "hypothesis"), rows, flexible=2))
