"""Results of every format: text comes back as it was, as plain UTF-8; other formats as CSV or JSON lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from ltp.text.examples import PairFile

ROW = {"premise": 'El niño, "sí"', "hypothesis": "a\nb", "score": 1.5}
SURE = ("entailment", 0.9, 0.0666666666, 0.0333333334)
ADDED = {"label": "entailment", "entailment": 0.9, "neutral": 0.066667, "contradiction": 0.033333}


def results(path: Path) -> tuple[str, str]:
    file, stream = PairFile(path), io.BytesIO()
    writer = file.writer(stream)
    for pair in file:
        writer.write(pair, SURE)
    return stream.getvalue().decode(), file.result_format.suffix


def xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([*ROW, "n"])
    book.active.append([*ROW.values(), 3])
    book.save(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_text_comes_back_in_its_format_as_utf_8(tmp_path: Path, codec: str, pack) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "pairs.csv"
    path.write_bytes(pack('premise;hypothesis\r\n"El niño; ""sí""";está aquí\r\n'.encode(codec)))
    text, suffix = results(path)
    mark = "" if codec == "cp1252" else "\ufeff"
    assert (suffix, text) == (".csv", (
        f"{mark}premise;hypothesis;label;entailment;neutral;contradiction\r\n"
        '"El niño; ""sí""";está aquí;entailment;0.900000;0.066667;0.033333\r\n'
    ))  # fmt: skip


def test_a_spreadsheet_comes_back_as_csv_that_spreadsheets_open(tmp_path: Path) -> None:
    xlsx(path := tmp_path / "pairs.xlsx")
    text, suffix = results(path)
    assert (suffix, text[0]) == (".csv", "\ufeff")
    (row,) = csv.DictReader(io.StringIO(text[1:], newline=""))
    assert row == {
        **{name: str(value) for name, value in ROW.items()}, "n": "3", "label": "entailment",
        "entailment": "0.900000", "neutral": "0.066667", "contradiction": "0.033333",
    }  # fmt: skip


def test_xml_comes_back_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "assin.xml"
    path.write_text(
        '<?xml version="1.0"?><c><pair id="1"><t>a,b</t><h>c</h></pair><pair id="2" x="y"><t>d</t><h>e</h></pair></c>\n'
    )
    text, suffix = results(path)
    assert suffix == ".csv"
    assert text.splitlines()[1:] == [
        '1,"a,b",c,,entailment,0.900000,0.066667,0.033333', "2,d,e,y,entailment,0.900000,0.066667,0.033333",
    ]  # fmt: skip


@pytest.mark.parametrize("indent", [None, 2])
def test_json_comes_back_as_json_lines(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps({"rows": [ROW, {**ROW, "more": [{"x": None}]}]}, indent=indent))
    text, suffix = results(path)
    assert suffix == ".jsonl"
    assert [json.loads(line) for line in text.splitlines()] == [
        {**ROW, **ADDED},
        {**ROW, "more": [{"x": None}], **ADDED},
    ]


def test_a_table_by_columns_comes_back_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps({"premise": ["a", "b"], "hypothesis": ["c", "d"]}))
    text, _ = results(path)
    assert [json.loads(line)["premise"] for line in text.splitlines()] == ["a", "b"]


def test_parquet_comes_back_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    parquet.write_table(
        pa.table({name: [value] for name, value in ROW.items()} | {"nan": [float("nan")], "id": [7]}), path
    )
    text, suffix = results(path)
    assert (suffix, json.loads(text)) == (".jsonl", {**ROW, "nan": None, "id": 7, **ADDED})
