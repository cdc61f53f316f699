"""Where a command writes a file: not over what is there unless told, and not under a name that says something else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.failure import Failure
from ltp import atomic_file

Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")]

NEVER_WRITTEN = {".xlsx", ".xls", ".xlsb", ".xlsm", ".ods", ".parquet", ".feather", ".arrow", ".xml", ".gz"}
"""Endings of files that are read, and are no text by lines."""
ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
"""What a name's ending says that results are; any other says nothing."""
WORDS = {"csv": "CSV", "tsv": "TSV", "jsonl": "JSON lines"}


def check_target(to: Path | None, *, force: bool) -> None:
    """Refuse before any work what could not be written after it.

    Raises Failure for a file that is there, OSError for a place where none can be made.
    """
    if to is None:
        return
    if to.is_file() and not force:
        raise Failure("file_exists", f"{to} is there already", hint="Write over it with --force, or name another file.")
    atomic_file.check_writable(to)


def check_not_a_table(to: Path | None) -> None:
    """Results are text: under such a name no program would open them. Raises typer.BadParameter."""
    if to is not None and to.suffix.lower() in NEVER_WRITTEN:
        raise typer.BadParameter(
            f"{to} cannot be written: results are text. Those of spreadsheets and XML are CSV, which Excel and"
            f" LibreOffice open: --output {to.with_suffix('.csv')}; those of Parquet, Arrow and JSON are JSON lines:"
            f" --output {to.with_suffix('.jsonl')}"
        )


def check_ending(to: Path | None, form: str) -> None:
    """Results are of the form of the file that they answer, whatever theirs is called. Raises typer.BadParameter."""
    said = None if to is None else ENDINGS.get(to.suffix.lower())
    if to is not None and said not in (None, form):
        raise typer.BadParameter(
            f"{to} would hold {WORDS[form]}: results are written as the file of pairs is; --output"
            f" {to.with_suffix(f'.{form}')}"
        )
