"""Prediction files: pairs streamed out of a file of any size, and written back unchanged with columns added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from ltp.config import LABEL_SPACES, Label, LabelSpace
from ltp.text.columns import Role
from ltp.text.encoding import BOM
from ltp.text.examples.languages import Languages
from ltp.text.examples.options import ReadOptions
from ltp.text.examples.rows import Rows
from ltp.text.files.record import Record, Value
from ltp.text.files.record_file import RecordFile
from ltp.text.files.results import RESULT_FORMATS, ResultFormat

RESULT_COLUMNS = ("label", "entailment", "neutral", "contradiction")
"""What a three-way prediction adds: the label, then the probabilities in the order of the labels."""
_NOWHERE = (None, None)


def labels_of(spaces: Iterable[LabelSpace]) -> list[Label]:
    """Every label of some label spaces once: the columns of probabilities that predictions in them add."""
    met = set(spaces)
    return list(dict.fromkeys(label for space, some in LABEL_SPACES.items() if space in met for label in some))


class FilePair(NamedTuple):
    """One row to predict; `lang` and `adapter` when the file has such columns and the row fills them."""

    premise: str
    hypothesis: str
    lang: str | None
    adapter: str | None
    record: Record

    @property
    def reference(self) -> str | None:
        """The adapter that the row names, one way or the other."""
        return self.adapter or self.lang

    @property
    def line(self) -> int:
        """Where the row starts in its file, from 1."""
        return self.record.line


class PairFile:
    """A JSONL, CSV or TSV file of pairs on disk, read row by row as often as asked.

    Every refusal is an ExamplesError with line and column; `count` reads the whole file and so meets all of them.
    Labels in the file are not looked at. `longest` is the most characters of a text.
    """

    def __init__(
        self,
        path: Path,
        *,
        filename: str | None = None,
        options: ReadOptions | None = None,
        allow_blank: bool = False,
        longest: int | None = None,
    ) -> None:
        self._options = options = options or ReadOptions()
        self._source = RecordFile(path, filename, named=list(options.columns.values()))
        self._rows = Rows(self._source, options, labelled=False, longest=longest)
        self._allow_blank = allow_blank
        self._taken: set[str] | None = None
        self._count = 0
        self._warnings: list[str] = []

    @property
    def format(self) -> Literal["jsonl", "csv", "tsv"]:
        """How results are written: as the file is where that is text by lines, else as CSV or JSON lines."""
        return self._source.format.result

    @property
    def written_as(self) -> str:
        """How the file itself is written, which may be another format than its results'."""
        return self._source.format.name

    def __iter__(self) -> Iterator[FilePair]:
        """Every pair in the file's order; blank lines are no rows."""
        rows = self._rows
        routed = rows.routed
        for row in rows:
            if not self._allow_blank and not (row.premise.strip() and row.hypothesis.strip()):
                role: Role = "hypothesis" if row.premise.strip() else "premise"
                raise row.record.refuse(f"the {role} is blank", rows.layout.columns.get(role))
            lang, adapter = (rows.value(row.record, "lang"), rows.value(row.record, "adapter")) if routed else _NOWHERE
            yield FilePair(row.premise, row.hypothesis, lang, adapter, row.record)

    @property
    def result_format(self) -> ResultFormat:
        """How results are written, the ending of their file's name and their media type."""
        return RESULT_FORMATS[self._source.format.result]

    def count(self) -> int:
        """The number of pairs."""
        self._scan()
        return self._count

    @property
    def warnings(self) -> list[str]:
        """What somebody should know before the rows are judged, with options named as on the command line."""
        self._scan()
        return self._warnings

    def writer(self, stream: BinaryIO, columns: Sequence[str] = RESULT_COLUMNS) -> PairWriter:
        """A writer of this file's rows with `columns` added; a name that the file uses becomes `predicted_` name."""
        return PairWriter(self._source, stream, [_free(name, self._scan()) for name in columns])

    def _scan(self) -> set[str]:
        if self._taken is None:
            taken: set[str] = set()
            count = 0
            languages = Languages(self._rows.layout, self._options, "predict")
            for count, pair in enumerate(self, start=1):  # noqa: B007  read after the loop
                taken.update(self._source.format.taken(pair.record))
                languages.of(pair.record)
            self._taken, self._count = taken, count
            self._warnings = [*self._rows.layout.warnings, *languages.settle()]
        return self._taken


def _free(name: str, taken: set[str]) -> str:
    candidates = [name, f"predicted_{name}", *(f"predicted_{name}_{n}" for n in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)


class PairWriter:
    """Writes rows back with columns added.

    JSON lines, CSV and TSV keep format, line ends and every original character where it was, as plain UTF-8. Other
    formats come back as CSV (spreadsheets, XML) or JSON lines (JSON, Parquet, Arrow).
    """

    def __init__(self, source: RecordFile, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._format, self._stream = source.format, stream
        self.columns = tuple(columns)
        self._line_end = source.line_end.encode()
        mark = BOM if source.marked else b""  # Excel tells UTF-8 by it
        for line in self._format.heading(self.columns):
            self._write(mark + line.encode())
            mark = b""

    def write(self, pair: FilePair, values: Sequence[Value]) -> None:
        """Write the pair's row with one value for each of `columns`; floats with six decimals."""
        self._write(self._format.extend(pair.record, self.columns, values).encode())

    def _write(self, row: bytes) -> None:
        self._stream.write(row + self._line_end)
