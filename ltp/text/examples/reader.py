"""Files of labelled pairs, read whole: few-shot sets, development and test sets."""

from __future__ import annotations

from pathlib import Path

from ltp.config import Label
from ltp.errors import ExamplesError
from ltp.text.examples.columns import TEXTS
from ltp.text.examples.delimited import Delimited
from ltp.text.examples.detection import Format
from ltp.text.examples.example import Example
from ltp.text.examples.labels import UNDECIDED, parse_label
from ltp.text.examples.record import Record
from ltp.text.examples.record_file import RecordFile


def read_examples(
    file: Path | bytes, *, filename: str | None = None, labelled: bool = True, longest: int | None = None
) -> list[Example]:
    """Read the pairs of a JSONL, CSV or TSV file, or of its bytes (`filename` then helps to tell the format).

    With `labelled`, every row needs a label; without, labels are not looked at. Texts are kept as they stand, blank
    ones too (AmericasNLI's Nahuatl test set has three): `check_trainable` refuses those. Raises ExamplesError with
    line and column; for a text of more than `longest` characters, too.
    """
    source = RecordFile(file, filename)
    return [_example(record, source.format, labelled=labelled, longest=longest) for record in source]


def _example(record: Record, form: Format, *, labelled: bool, longest: int | None) -> Example:
    premise, hypothesis = (record.text(role, longest=longest) for role in TEXTS)
    label = _label(record, form) if labelled else None
    blank = next((role for role in TEXTS if not record.values[role].strip()), None)
    line, column = record.where(blank) if blank else (record.line, None)
    return Example(premise, hypothesis, label, line, column)


def _label(record: Record, form: Format) -> Label:
    value = record.values.get("label")
    if isinstance(form, Delimited) and "label" not in form.columns_of and form.names:
        names = ", ".join(map(repr, form.names))
        raise ExamplesError(f"no column for the label; the first row names {names}", line=form.first_line, column=1)
    if value is None or not str(value).strip():
        raise record.refuse("the label is missing", "label")
    if (label := parse_label(value)) is not None:
        return label
    if str(value).strip() in UNDECIDED:
        raise record.refuse(f"{value!r} marks a pair without an agreed label; leave it out", "label")
    raise record.refuse(
        f"{value!r:.60} is not a label; entailment, neutral and contradiction are, or 0, 1 and 2 in this order", "label"
    )
