"""JSON that is one document: an array of objects, an object that wraps such an array, objects one after the other,
or a table written by columns. Arrays are streamed, whatever their length and wherever their lines end.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ltp.errors import ExamplesError
from ltp.text.files.class_labels import class_labels
from ltp.text.files.first_row import holds_pairs
from ltp.text.files.json_scanner import JsonScanner, Scanned
from ltp.text.files.jsonlines import extended
from ltp.text.files.record import Record, Value, place
from ltp.text.files.strict_json import LENIENT, entries, offset_of
from ltp.text.lines import TextFile

Shape = Literal["array", "objects", "wrapped", "viewer", "columns", "index"]

_MOST_FEATURES = 1000


@dataclass(frozen=True)
class JsonDocument:
    """The format of a JSON file that is no JSON lines."""

    file: TextFile
    shape: Shape
    names: tuple[str, ...]
    """The keys of the first row."""
    wrapper: str | None = None
    """The key under which the rows are, where they are wrapped."""
    label_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the numbers of a column stand for, where the file says it: the label of 0, of 1, ..."""
    name: Literal["json"] = "json"
    result: Literal["jsonl"] = "jsonl"
    separator: None = None
    quoted: None = None

    def records(self) -> Iterator[Record]:
        """Yield a record for each row. Raises ExamplesError."""
        for row in _rows(JsonScanner(self.file.texts()), self.shape, self.wrapper):
            if not isinstance(row.value, dict):
                raise ExamplesError("expected a JSON object", line=row.line, column=row.column)
            yield Record(row.line, row.raw, row.value, offset_of, column=row.column)

    def taken(self, record: Record) -> Sequence[str]:
        """The keys of the record's object, which a further key may not have."""
        return tuple(record.fields)

    def heading(self, names: Sequence[str]) -> list[str]:
        """Results are JSON lines, which have none."""
        del names
        return []

    def extend(self, record: Record, names: Sequence[str], values: Sequence[Value]) -> str:
        """The object on one line, with a key for each value at its end."""
        return extended(" ".join(record.raw.split("\n")).replace("\r", ""), names, values)


def json_document(file: TextFile, named: Collection[str] = ()) -> JsonDocument:
    """Find the rows of a JSON file. Raises ExamplesError when it has none, or in several places."""
    scanner = JsonScanner(file.texts())
    if scanner.peek() == "[":
        return _settled(file, "array", None)
    found = _Survey(scanner, named)
    if scanner.peek():
        return _settled(file, "objects", None)
    if found.columns:
        return _settled(file, "columns", None)
    if found.index:
        return _settled(file, "index", None)
    if found.row:
        return _settled(file, "objects", None)
    if found.documents:
        raise ExamplesError(
            "the file holds documents with annotations, not pairs (ContractNLI's layout); write one row a hypothesis"
            " with premise, hypothesis and label",
            line=1,
            column=1,
        )
    if found.lists:
        shape: Shape = "viewer" if found.viewer else "wrapped"
        return _settled(file, shape, "rows" if found.viewer else found.list_of_rows, class_labels(found.features))
    return _settled(file, "objects", None)


def _settled(
    file: TextFile, shape: Shape, wrapper: str | None, label_names: Mapping[str, tuple[str, ...]] | None = None
) -> JsonDocument:
    """The format, with the keys of the first row if it can be read; if not, reading on says why."""
    try:
        first = next(_rows(JsonScanner(file.texts()), shape, wrapper), None)
    except ExamplesError:
        first = None
    keys = tuple(first.value) if first and isinstance(first.value, dict) else ()
    return JsonDocument(file, shape, keys, wrapper, label_names or {})


def _rows(scanner: JsonScanner, shape: Shape, wrapper: str | None) -> Iterator[Scanned]:
    if shape == "array":
        yield from scanner.elements()
        if scanner.peek():
            scanner.refuse("malformed JSON: text after the end of the array")
    elif shape == "objects":
        while scanner.peek():
            yield scanner.value()
    elif shape == "columns":
        yield from _of_columns(scanner.value())
    else:
        for key in scanner.members():
            if shape == "index":
                yield scanner.value()
            elif key == wrapper:
                yield from map(_inner_row, scanner.elements()) if shape == "viewer" else scanner.elements()
                return
            else:
                scanner.value()


def _inner_row(numbered: Scanned) -> Scanned:
    """The row in an element of the hub viewer's answer, `{"row_idx": 0, "row": {...}}`, with its own place."""
    if not (isinstance(numbered.value, dict) and isinstance(numbered.value.get("row"), dict)):
        return numbered
    start = next(at for key, _, at in entries(numbered.raw) if key == "row")
    _, end = LENIENT.raw_decode(numbered.raw, start)
    line, column = place(numbered.raw, start, numbered.line)
    column += numbered.column - 1 if line == numbered.line else 0
    return Scanned(numbered.value["row"], numbered.raw[start:end], line, column)


def _of_columns(table: Scanned) -> Iterator[Scanned]:
    """The rows of an object that has a list, or an object by row, for each column."""
    columns: dict[str, list[Any]] = {
        name: list(cells.values()) if isinstance(cells, dict) else cells for name, cells in table.value.items()
    }
    for number, cells in enumerate(zip(*columns.values(), strict=True), start=1):
        row = dict(zip(columns, cells, strict=True))
        yield Scanned(row, json.dumps(row, ensure_ascii=False, allow_nan=False), number, 1)


class _Survey:
    """What a top-level object holds."""

    def __init__(self, scanner: JsonScanner, named: Collection[str]) -> None:
        self._named = named
        self.lists: dict[str, Mapping[str, Any]] = {}
        """The first element of each list of objects."""
        self.features: Any = []
        """What is said of the columns, as the Hugging Face hub's libraries do."""
        self.columns = self.index = True
        """Whether the values may be columns, or rows."""
        row: dict[str, Any] = {}
        names: list[str] = []
        lengths: set[int] = set()
        for key in scanner.members():
            names.append(key)
            if scanner.peek() == "[":
                lengths.add(self._list(scanner, key))
            else:
                row[key] = scanner.value().value
                self.features = row[key] if key == "features" else self.features
                lengths.add(self._other(row[key]))
        self.columns = self.columns and len(lengths) == 1 and holds_pairs(dict.fromkeys(names), self._named)
        self.index = self.index and bool(names)
        self.row = holds_pairs(row, self._named)
        """Whether the object is a row itself."""

    @property
    def documents(self) -> bool:
        """Whether there are documents with annotations in place of pairs."""
        return "annotation_sets" in self.lists.get("documents", ())

    @property
    def viewer(self) -> bool:
        """Whether this is an answer of the hub's viewer: the features, and rows that are numbered."""
        return "features" in self.lists and isinstance(self.lists.get("rows", {}).get("row"), dict)

    @property
    def list_of_rows(self) -> str:
        """The key of the only list of objects, or of the only one of pairs. Raises ExamplesError."""
        pairs = [key for key, first in self.lists.items() if holds_pairs(first, self._named)] or list(self.lists)
        if len(pairs) > 1:
            raise ExamplesError(
                f"the file holds several lists of objects, {' and '.join(map(repr, pairs))}; keep the one that holds"
                " the pairs",
                line=1,
                column=1,
            )
        return pairs[0]

    def _list(self, scanner: JsonScanner, key: str) -> int:
        length = 0
        for element in scanner.elements():
            length += 1
            if key == "features" and length <= _MOST_FEATURES:
                self.features.append(element.value)
            if isinstance(element.value, dict):
                self.lists.setdefault(key, element.value)
            self.columns = self.columns and not isinstance(element.value, dict)
        self.index = False
        return length

    def _other(self, value: Any) -> int:
        rows = value if isinstance(value, dict) else {}
        self.columns = self.columns and bool(rows) and not any(isinstance(cell, dict | list) for cell in rows.values())
        self.index = self.index and holds_pairs(rows, self._named)
        return len(rows)
