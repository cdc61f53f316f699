"""Files of labelled pairs: read whole with a reading of what was understood, or only looked through."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ltp.config import Label
from ltp.text.examples.example import Example
from ltp.text.examples.judged import CODES
from ltp.text.examples.late_names import LateNames
from ltp.text.examples.options import ReadOptions, Task
from ltp.text.examples.reading import Reading
from ltp.text.examples.rows import Row, Rows
from ltp.text.examples.settled import settle_file
from ltp.text.examples.tally import Tally
from ltp.text.files.record import Record
from ltp.text.files.record_file import RecordFile

_Pair = tuple[tuple[Any, ...], int]
"""What an example is made of but for its label, and the number of its judgements that may be read."""


def read(
    file: Path | bytes,
    *,
    filename: str | None = None,
    options: ReadOptions | None = None,
    task: Task = "train",
    longest: int | None = None,
    like: Reading | None = None,
) -> tuple[list[Example], Reading]:
    """Read the pairs of a file, or of its bytes (`filename` then helps to tell the format); say what was understood.

    `like` is the reading of the training file, whose labels mean the same here. Raises ExamplesError with line and
    column for what nothing can be made of; for a text of more than `longest` characters, too. What else is not read is
    counted in the reading, with the reason.
    """
    options = options or ReadOptions()
    tally, pairs = _tallied(file, filename, options, task, longest, blanks=False, keep=True)
    return _read(tally, pairs, options, like)


def check(
    file: Path | bytes,
    *,
    filename: str | None = None,
    options: ReadOptions | None = None,
    task: Task = "train",
    longest: int | None = None,
    like: Reading | None = None,
) -> Reading:
    """Say what would be understood of a file, as `read` does, in memory that does not grow with its texts."""
    options = options or ReadOptions()
    tally, _ = _tallied(file, filename, options, task, longest, blanks=False, keep=False)
    return settle_file(tally, options, like).reading


def read_examples(
    file: Path | bytes,
    *,
    filename: str | None = None,
    options: ReadOptions | None = None,
    labelled: bool = True,
    longest: int | None = None,
) -> list[Example]:
    """Read the pairs of a file alone.

    With `labelled`, rows need a label; without, labels are not looked at. Texts are kept as they stand, blank ones too
    (AmericasNLI's Nahuatl test set has three): `check_trainable` refuses those. Raises ExamplesError.
    """
    options = options or ReadOptions(conflicts="keep")
    task: Task = "train" if labelled else "predict"
    tally, pairs = _tallied(file, filename, options, task, longest, blanks=True, keep=True)
    return _read(tally, pairs, options, None)[0]


def _tallied(
    file: Path | bytes,
    filename: str | None,
    options: ReadOptions,
    task: Task,
    longest: int | None,
    *,
    blanks: bool,
    keep: bool,
) -> tuple[Tally, list[_Pair]]:
    """Count all rows, and once more from the start where a late one has a name that may change what the columns are.

    With `keep`, the pairs that may be read come with the counts.
    """
    source = RecordFile(file, filename, named=list(options.columns.values()))
    late: list[Record] | None = None
    while True:
        rows = Rows(source, options, labelled=task != "predict", longest=longest, late=late)
        tally = Tally(rows, options, task, blanks=blanks)
        with suppress(LateNames):
            return tally, _pairs(tally) if keep else _counted(tally)
        late = rows.late()


def _pairs(tally: Tally) -> list[_Pair]:
    return [(_fields(row, tally.rows), judgements) for row in tally.rows if (judgements := tally.add(row))]


def _counted(tally: Tally) -> list[_Pair]:
    for row in tally.rows:
        tally.add(row)
    return []


def _read(
    tally: Tally, unlabelled: list[_Pair], options: ReadOptions, like: Reading | None
) -> tuple[list[Example], Reading]:
    settled = settle_file(tally, options, like)
    codes = iter(settled.codes.tolist())
    labels: Sequence[Label | None] = [None, None, None, None] if tally.task == "predict" else CODES
    examples = [
        Example(premise, hypothesis, labels[code], *rest)
        for (premise, hypothesis, *rest), judgements in unlabelled
        for code in islice(codes, judgements)
        if code >= 0
    ]
    return examples, settled.reading


def _fields(row: Row, rows: Rows) -> tuple[Any, ...]:
    """What an example is made of, but for its label."""
    line, column = row.record.line, None
    if not (row.premise.strip() and row.hypothesis.strip()):
        line, column = rows.place(row.record, "hypothesis" if row.premise.strip() else "premise")
    if not rows.routed:
        return row.premise, row.hypothesis, line, column
    return row.premise, row.hypothesis, line, column, rows.value(row.record, "lang"), rows.value(row.record, "adapter")
