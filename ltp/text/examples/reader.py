"""Files of labelled pairs, read whole: few-shot sets, development and test sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ltp.config import Label
from ltp.text.columns import TEXTS, Role
from ltp.text.examples.columns_of import ColumnsOf
from ltp.text.examples.example import Example
from ltp.text.files.record import Record
from ltp.text.files.record_file import RecordFile
from ltp.text.labels import UNDECIDED, parse_label


def read_examples(
    file: Path | bytes, *, filename: str | None = None, labelled: bool = True, longest: int | None = None
) -> list[Example]:
    """Read the pairs of a JSONL, CSV or TSV file, or of its bytes (`filename` then helps to tell the format).

    With `labelled`, every row needs a label; without, labels are not looked at. Texts are kept as they stand, blank
    ones too (AmericasNLI's Nahuatl test set has three): `check_trainable` refuses those. Raises ExamplesError with
    line and column; for a text of more than `longest` characters, too.
    """
    source = RecordFile(file, filename)
    columns = ColumnsOf(source.format, TEXTS)
    return [_example(record, columns, labelled=labelled, longest=longest) for record in source]


def _example(record: Record, columns: ColumnsOf, *, labelled: bool, longest: int | None) -> Example:
    names = columns.of(record)
    premise, hypothesis = (record.text(names.get(role), called=role, longest=longest) for role in TEXTS)
    label = _label(record, names, columns) if labelled else None
    blank = next((role for role, text in zip(TEXTS, (premise, hypothesis), strict=True) if not text.strip()), None)
    line, column = record.where(names[blank]) if blank else (record.line, None)
    return Example(premise, hypothesis, label, line, column)


def _label(record: Record, names: Mapping[Role, str], columns: ColumnsOf) -> Label:
    name = names.get("label")
    if name is None:
        columns.require("label")
    value = record.value(name)
    if value is None or not str(value).strip():
        raise record.refuse("the label is missing", name)
    if (label := parse_label(value)) is not None:
        return label
    if str(value).strip() in UNDECIDED:
        raise record.refuse(f"{value!r} marks a pair without an agreed label; leave it out", name)
    raise record.refuse(
        f"{value!r:.60} is not a label; entailment, neutral and contradiction are, or 0, 1 and 2 in this order", name
    )
