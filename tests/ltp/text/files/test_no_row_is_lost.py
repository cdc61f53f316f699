"""Generated files of every format: as many rows come back as went in, in order, and no text is changed."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Callable

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from pyarrow import feather, parquet

from ltp.text.files import RecordFile
from ltp.text.files.first_row import is_label

Rows = list[tuple[str, str, str]]
NAMES = ("premise", "hypothesis", "label")


def delimited(delimiter: str, codec: str = "utf-8", **options: object) -> Callable[[Rows], bytes]:
    def write(rows: Rows) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, **{"quoting": csv.QUOTE_ALL, **options})  # type: ignore[arg-type]
        writer.writerows([NAMES, *rows])
        return buffer.getvalue().encode(codec)

    return write


def objects(rows: Rows) -> list[dict[str, str]]:
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects(rows)).encode()


def table(rows: Rows) -> pa.Table:
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(NAMES)})


def xlsx(rows: Rows) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (NAMES, *rows):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def written_by(write: Callable[[pa.Table, io.BytesIO], None]) -> Callable[[Rows], bytes]:
    def write_rows(rows: Rows) -> bytes:
        stream = io.BytesIO()
        write(table(rows), stream)
        return stream.getvalue()

    return write_rows


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "jsonl": lines,
    "json": lambda rows: json.dumps(objects(rows)).encode(),
    "pretty json": lambda rows: json.dumps({"data": objects(rows)}, indent=1, ensure_ascii=False).encode(),
    "csv": delimited(","),
    "csv with CRLF": delimited(",", lineterminator="\r\n"),
    "semicolons": delimited(";", codec="utf-8-sig"),
    "tsv": delimited("\t"),
    "utf-16 tsv": delimited("\t", codec="utf-16"),
    "pipe": delimited("|"),
    "csv.gz": lambda rows: gzip.compress(delimited(",")(rows), mtime=0),
    "jsonl.bz2": lambda rows: bz2.compress(lines(rows)),
    "parquet": written_by(parquet.write_table),
    "feather": written_by(feather.write_feather),
}
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
special = st.text("\"',;|\t\n aé犬-=", max_size=12)
label = st.sampled_from(["entailment", "neutral", "contradiction"])
rows = st.lists(st.tuples((text | special).map(lambda t: f"p{t}"), text | special, label), min_size=1, max_size=5)


def read(content: bytes) -> Rows:
    return [tuple(record.fields[name] for name in NAMES) for record in RecordFile(content)]  # type: ignore[misc]


@pytest.mark.parametrize("form", WRITERS)
@given(rows=rows)
def test_every_row_comes_back_as_it_went(form: str, rows: Rows) -> None:
    assert read(WRITERS[form](rows)) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(rows=rows)
def test_cells_that_only_need_quotes_come_back_too(delimiter: str, rows: Rows) -> None:
    kept = [(p.replace("\r", ""), h.replace("\r", ""), said) for p, h, said in rows]  # Python leaves a CR unquoted
    parts = {part.strip() for row in kept for text in row[:2] for part in re.split("[\t\n]", text)}
    assume(delimiter != "\t" or not any(map(is_label, parts)))  # nobody can tell a label there from a label
    assert read(delimited(delimiter, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")(kept)) == kept


@settings(max_examples=30)
@given(rows=rows)
def test_every_row_of_a_spreadsheet_comes_back(rows: Rows) -> None:
    kept = [(_cell(p), _cell(h), said) for p, h, said in rows]
    assert read(xlsx(kept)) == kept


def _cell(value: str) -> str:
    """What openpyxl writes as a text, and XML keeps: no controls, no blanks at the ends, no formula, no escape."""
    plain = (
        ILLEGAL_CHARACTERS_RE.sub("", value)
        .replace("\r", "")
        .replace("_x", "")
        .replace("\ufffe", "")
        .replace("\uffff", "")
    )
    return re.sub(r"^[\s=#]+|\s+$", "", plain) or "x"
