"""Spreadsheets (.xlsx, .xlsb, .xls, .ods): the sheet that holds the pairs, its cells as text.

A number is written as a person would (1, not 1.0), a date as ISO 8601 has it, a formula as its value; the cells that a
merged one covers hold its text, as they show it. Rows without anything are no rows, hidden sheets are not looked at.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Literal

from ltp.errors import ExamplesError
from ltp.text.files.delimited import distinct
from ltp.text.files.first_row import FirstRow, refuse_without_header
from ltp.text.files.missing import not_installed
from ltp.text.files.table import Row, Table

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

SheetFormat = Literal["xlsx", "xls", "xlsb", "ods"]
_TITLES = 20
"""Rows that may stand above the names of the columns."""
Cell = object


def spreadsheet(source: Callable[[], BinaryIO], name: SheetFormat, named: Collection[str]) -> Table:
    """The table in a spreadsheet. Raises ExamplesError when it has none, or several."""
    workbook = _open(source, name)
    sheets = {sheet.name: sheet for sheet in _visible(workbook)}
    heads = {title: list(islice(_rows(sheet), _TITLES)) for title, sheet in sheets.items()}
    filled = [title for title, head in heads.items() if head]
    if not filled:
        raise ExamplesError("the file holds no rows", fault="no_rows")
    with_pairs = [title for title in filled if _header(heads[title], named) is not None]
    listed = ", ".join(map(repr, with_pairs or filled))
    if len(with_pairs) > 1:
        raise ExamplesError(
            f"the sheets {listed} all hold pairs; save the one that is meant as a file of its own",
            fault="several_files",
            values=with_pairs,
        )
    if not with_pairs and len(filled) > 1:
        raise ExamplesError(
            f"none of the sheets {listed} names columns for premise and hypothesis in a first row; name them so, or"
            " save the one that is meant as a file of its own",
            fault="several_files",
            values=filled,
        )
    title = (with_pairs or filled)[0]
    return _table(name, sheets[title], heads[title], named, title if len(filled) > 1 else None)


def _open(source: Callable[[], BinaryIO], name: SheetFormat) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as fault:
        raise not_installed("a spreadsheet", "spreadsheets") from fault
    try:
        with source() as stream:
            return CalamineWorkbook.from_filelike(io.BytesIO(stream.read()))
    except CalamineError as fault:
        raise ExamplesError(
            f"the file cannot be read as a spreadsheet ({name}: {fault}); save it as .xlsx without a password, or"
            " export it as CSV in UTF-8",
            fault="not_a_table",
        ) from fault


def _visible(workbook: CalamineWorkbook) -> Iterator[CalamineSheet]:
    from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum

    for place, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            try:
                yield workbook.get_sheet_by_index(place)
            except CalamineError as fault:
                raise ExamplesError(
                    f"the sheet {sheet.name!r} cannot be read ({fault}); save the file once more"
                ) from fault


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, each with its number."""
    covered = _covered(sheet)
    first_column = (sheet.start or (0, 0))[1]
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [""] * first_column + [_text(cell) for cell in cells]
        for column, shown in covered.get(number - 1, ()):
            if column < len(texts):
                texts[column] = shown or texts[column]
        if any(text.strip() for text in texts):
            yield number, texts


def _covered(sheet: CalamineSheet) -> dict[int, list[tuple[int, str]]]:
    """By row, the columns that merged cells of several rows cover there, with what these show."""
    ranges = [
        ((top, left), (bottom, right))
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
        if bottom > top
    ]
    if not ranges:
        return {}
    tops = {top for (top, _), _ in ranges}
    first_column = (sheet.start or (0, 0))[1]
    shown = {number: cells for number, cells in enumerate(sheet.iter_rows()) if number in tops}
    covered: dict[int, list[tuple[int, str]]] = {}
    for (top, left), (bottom, right) in ranges:
        cells = shown.get(top, [])
        text = _text(cells[left - first_column]) if 0 <= left - first_column < len(cells) else ""
        for row in range(top, min(bottom, sheet.total_height) + 1):
            covered.setdefault(row, []).extend((column, text) for column in range(left, right + 1))
    return covered


def _text(cell: Cell) -> str:
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
    return str(cell)


def _header(head: Sequence[tuple[int, list[str]]], named: Collection[str]) -> int | None:
    """Which of the first rows names the columns of pairs; those above hold a title, a cell or none."""
    for place, (_, cells) in enumerate(head):
        if FirstRow(cells, named).reads == FirstRow.HEADER:
            return place
        if sum(bool(cell.strip()) for cell in cells) > 1:
            return None
    return None


def _table(
    name: SheetFormat,
    sheet: CalamineSheet,
    head: Sequence[tuple[int, list[str]]],
    named: Collection[str],
    title: str | None,
) -> Table:
    place = _header(head, named) or 0
    line, cells = head[place]
    row = FirstRow(cells, named)
    header = row.reads == FirstRow.HEADER or row.is_header
    width = max(at for at, cell in enumerate(cells, start=1) if cell.strip())
    if not header:
        refuse_without_header(row, line, width)
    names = tuple(cells[:width]) if header else tuple(str(number) for number in range(1, len(cells) + 1))
    keys = distinct([*names, *[""] * (len(cells) - len(names))])

    def rows() -> Iterator[Row]:
        for number, texts in _rows(sheet):
            if number > line or (number == line and not header):
                yield number, dict(zip(keys, texts, strict=False))

    return Table(name, "csv", names, keys, rows, line, header, title)
