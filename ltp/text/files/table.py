"""Tables that are no text: cells of a spreadsheet, columns of a Parquet or Arrow file, pairs of an XML file.

Their rows are numbered as the program that wrote them shows them, and cannot be written back as they were: results
are CSV, which spreadsheets open, or JSON lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ltp.text.files.record import Record, Value, as_text

TableName = Literal["xlsx", "xls", "xlsb", "ods", "parquet", "feather", "arrow", "xml"]
Row = tuple[int, Mapping[str, Any]]
"""Its number, and its values by column."""


@dataclass(frozen=True)
class Table:
    """The format of a file of rows that is no text."""

    name: TableName
    result: Literal["csv", "jsonl"]
    """What results are written as."""
    names: tuple[str, ...]
    """The names of the columns as they stand in the file; without any "1", "2", "3", ..."""
    keys: tuple[str, ...]
    """The same, each once: what a record has its values under."""
    rows: Callable[[], Iterator[Row]]
    first_line: int = 1
    """The row in which the names stand."""
    has_header: bool = True
    """Whether the names stand in the file."""
    sheet: str | None = None
    """The name of the sheet, where a file has several."""
    label_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the numbers of a column stand for, where the file says it: the label of 0, of 1, ..."""
    separator: None = None
    quoted: None = None

    def records(self) -> Iterator[Record]:
        """Yield a record for each row. Raises ExamplesError."""
        for line, fields in self.rows():
            yield Record(line, "", fields, self._offset_of)

    def _offset_of(self, raw: str, name: str) -> int | None:
        """The column's place among the others: a spreadsheet's B is 2."""
        del raw
        return self.keys.index(name) if name in self.keys else None

    def taken(self, record: Record) -> Iterable[str]:
        """The names in use, which a further column may not have."""
        del record
        return self.keys if self.has_header else ()

    def heading(self, names: Sequence[str]) -> list[str]:
        """The line before the rows of results, with the names of further columns."""
        return [",".join(map(csv_cell, [*self.keys, *names]))] if self.result == "csv" and self.has_header else []

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The row as a line of results, with a value for each further name."""
        if self.result == "csv":
            cells = [record.fields.get(key) for key in self.keys]
            return ",".join(map(csv_cell, [*cells, *values]))
        rounded = [round(value, 6) if isinstance(value, float) else value for value in values]
        whole = {**record.fields, **dict(zip(names, rounded, strict=True))}
        return json.dumps(as_json(whole), ensure_ascii=False, allow_nan=False, default=str)


def csv_cell(value: object) -> str:
    """A value as a cell of CSV; floats with six decimals, as results have them."""
    text = as_text(value)
    return '"' + text.replace('"', '""') + '"' if set(',;"\r\n\t') & set(text) or text != text.strip() else text


def as_json(value: Any) -> Any:
    """A value as JSON can hold it: what is not finite is null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): as_json(one) for key, one in value.items()}
        case list() | tuple():
            return [as_json(one) for one in value]
    return value
