"""One file of a benchmark, read strictly: every row counts.

Three layouts: `premise TAB hypothesis TAB label` without a header (XNLI), a header that names `id`, `language`,
`premise`, `hypothesis` and `label` between tabs (AmericasNLI), and `.csv` whose header names premise, hypothesis and
label (AfriXNLI). Between tabs quotes are plain characters; in a `.csv` they enclose a text that holds a comma. A text
may be blank (AmericasNLI's Nahuatl test set has three).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ltp.config import LABELS, Label
from ltp.errors import ExamplesError, UnsoundData
from ltp.text.examples import Example, parse_label
from ltp.text.lines import TextFile

HEADER = ["id", "language", "premise", "hypothesis", "label"]
WITHOUT_HEADER = 3
CSV, CSV_HEADER = ".csv", HEADER[2:]


@dataclass(frozen=True)
class LabelledFile:
    """A file's rows. `ids` are what a row is known by in every language: the row's number, or what its column says."""

    name: str
    """Its path inside the data folder."""
    language: str
    sha256: str
    ids: tuple[int, ...] = field(repr=False)
    examples: tuple[Example, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def labels(self) -> list[Label]:
        """Every row's label."""
        return [example.label for example in self.examples if example.label]

    def facts(self) -> dict[str, object]:
        """Counts for a report."""
        counts = Counter(self.labels)
        blank = sum(not (example.premise.strip() and example.hypothesis.strip()) for example in self.examples)
        return {
            "file": self.name,
            "language": self.language,
            "pairs": len(self),
            "premises": len({example.premise_key for example in self.examples}),
            "labels": {label: counts[label] for label in LABELS},
            "blank": blank,
            "sha256": self.sha256,
        }


def read_rows(path: Path, *, name: str, language: str) -> LabelledFile:
    """Read one file.

    Raises:
        UnsoundData: naming file and line: there is no such file, or a row does not have the layout of the first, no
            label, another language or an id that occurred before.
    """
    if not path.is_file():
        raise UnsoundData(f"{name}: there is no such file")
    rows = _csv_rows(path, name) if path.suffix == CSV else _tsv_rows(path, name, language)
    if not rows:
        raise UnsoundData(f"{name}: the file holds no rows")
    ids = tuple(row_id for row_id, _ in rows)
    if repeated := [row_id for row_id, count in Counter(ids).items() if count > 1]:
        raise UnsoundData(f"{name}: the id {repeated[0]} stands there more than once")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LabelledFile(name, language, sha256, ids, tuple(example for _, example in rows))


def _tsv_rows(path: Path, name: str, language: str) -> list[tuple[int, Example]]:
    try:
        file = TextFile(lambda: path.open("rb"), ExamplesError)
        lines = [(number, text.rstrip("\r\n")) for number, text in file.lines()]
    except ExamplesError as error:
        raise UnsoundData(f"{name}: {error}") from error
    headed = bool(lines) and lines[0][1].split("\t") == HEADER
    return [_row(name, number, text.split("\t"), headed, language) for number, text in lines[headed:]]


def _csv_rows(path: Path, name: str) -> list[tuple[int, Example]]:
    """Rows known by their number, the first below the header being 1."""
    try:
        rows = list(_cells_of(path.read_text(encoding="utf-8-sig")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnsoundData(f"{name} cannot be read as CSV: {error}") from error
    if not rows or rows[0][1] != CSV_HEADER:
        raise UnsoundData(f"{name}: the first line must be {','.join(CSV_HEADER)}")
    return [
        (number, _row(name, line, cells, headed=False, language="")[1])
        for number, (line, cells) in enumerate(rows[1:], start=1)
    ]


def _cells_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row's cells, and the line that it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for cells in reader:
        yield reader.line_num, cells


def _row(name: str, number: int, cells: Sequence[str], headed: bool, language: str) -> tuple[int, Example]:  # noqa: FBT001
    width = len(HEADER) if headed else WITHOUT_HEADER
    if len(cells) != width:
        raise UnsoundData(f"{name}, line {number}: {len(cells)} cells where {width} stand in a row")
    label = parse_label(cells[-1])
    if label is None:
        raise UnsoundData(f"{name}, line {number}: {cells[-1]!r:.60} is not a label")
    row_id = number
    if headed:
        if cells[1] != language:
            raise UnsoundData(f"{name}, line {number}: the language is {cells[1]!r:.60}, and the file's {language!r}")
        if not cells[0].isdecimal():
            raise UnsoundData(f"{name}, line {number}: the id is {cells[0]!r:.60}; it must be a number")
        row_id = int(cells[0])
    return row_id, Example(cells[-3], cells[-2], label, number)
