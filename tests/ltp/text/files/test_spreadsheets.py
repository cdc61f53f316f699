"""Spreadsheets: the sheet with the pairs, cells as text, rows by their numbers, and refusals that name sheets."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence

import openpyxl
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from ltp.errors import ExamplesError
from ltp.text.files import RecordFile

MIDNIGHT = dt.datetime(2024, 5, 1)  # noqa: DTZ001  spreadsheets know no time zones
HEADER = ["premise", "hypothesis", "label"]


def xlsx(**sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    document = OpenDocumentSpreadsheet()
    table = Table(name="Sheet1")
    for row in rows:
        line = TableRow()
        for cell in row:
            written = TableCell(valuetype="string")
            for part in cell.split("\n"):
                written.addElement(P(text=part))
            line.addElement(written)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def rows_of(content: bytes, name: str = "a.xlsx") -> list[tuple[int, list[str]]]:
    return [(record.line, list(record.fields.values())) for record in RecordFile(content, name)]


def test_numbers_dates_and_truths_are_written_as_people_do() -> None:
    cells = [["p", 1.0, 0], [2.5, "h", True], [MIDNIGHT, MIDNIGHT.replace(hour=10), 3]]
    assert [row for _, row in rows_of(xlsx(data=[HEADER, *cells]))] == [
        ["p", "1", "0"], ["2.5", "h", "TRUE"], ["2024-05-01", "2024-05-01T10:00:00", "3"],
    ]  # fmt: skip


def test_rows_keep_their_numbers_and_blank_ones_are_none() -> None:
    content = xlsx(
        data=[["Our data, version 2"], [], HEADER, ["p1", "h1", "e"], [], ["", "  ", ""], ["p2", "h2", "n", "x"], []]
    )
    assert rows_of(content) == [(4, ["p1", "h1", "e", ""]), (7, ["p2", "h2", "n", "x"])]
    assert RecordFile(content).format.names == tuple(HEADER)
    first = next(iter(RecordFile(content)))
    assert str(first.refuse("no", "label")) == "line 4, column 3: no"


def test_a_table_that_starts_in_another_column_is_found() -> None:
    assert rows_of(xlsx(data=[[None, *HEADER], [None, "p", "h", "e"]])) == [(2, ["", "p", "h", "e"])]


def test_cells_under_a_merged_one_hold_its_text() -> None:
    book = openpyxl.Workbook()
    for row in (HEADER, ["p", "h1", "e"], [None, "h2", "n"], ["q", "h3", "c"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    assert [row for _, row in rows_of(saved(book))] == [["p", "h1", "e"], ["p", "h2", "n"], ["q", "h3", "c"]]


def test_the_sheet_with_the_pairs_is_read() -> None:
    content = xlsx(notes=[["Written by us", "in 2024"]], pairs=[HEADER, ["p", "h", "e"]], empty=[])
    file = RecordFile(content)
    assert [list(record.fields.values()) for record in file] == [["p", "h", "e"]]
    assert (file.format.name, file.format.sheet) == ("xlsx", "pairs")


def test_a_hidden_sheet_is_not_looked_at() -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(["p", "h", "e"])
    hidden = book.create_sheet("old")
    hidden.append(HEADER)
    hidden.sheet_state = "hidden"
    assert len(rows_of(saved(book))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (xlsx(train=[HEADER, ["p", "h", "e"]], dev=[HEADER]), "the sheets 'train', 'dev' all hold pairs"),
        (xlsx(one=[["a", "b"], ["c", "d"]], two=[["e", "f"]]), "none of the sheets 'one', 'two' names columns"),
        (xlsx(empty=[]), "the file holds no rows"),
        (xlsx(data=[["id", "one", "another"], ["7", "p", "h"]]), "line 1, column 3: 'another' is not a label"),
        (xlsx(data=[["premise"], ["p"]]), "no column for the hypothesis|the file holds"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "the file cannot be read as a spreadsheet .*password"),
        (xlsx(data=[HEADER])[:-40], "the file is a damaged spreadsheet or zip archive"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(content: bytes, message: str) -> None:
    from ltp.text.examples import read_examples

    with pytest.raises(ExamplesError, match=message):
        read_examples(content, filename="a.xlsx")


def test_without_a_header_columns_are_numbers() -> None:
    assert rows_of(xlsx(data=[["p", "h", "entailment"], ["q", "i", 1]])) == [
        (1, ["p", "h", "entailment"]),
        (2, ["q", "i", "1"]),
    ]


def test_opendocument_is_read_the_same_way() -> None:
    content = ods([HEADER, ["El niño", "a\nb", "e"], ["q", "i", "n"]])
    assert rows_of(content, "a.ods") == [(2, ["El niño", "a\nb", "e"]), (3, ["q", "i", "n"])]
    assert RecordFile(content).format.name == "ods"
