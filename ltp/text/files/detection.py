"""Which format a text of rows has, from its first lines and its name; its content counts for more."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NoReturn

from ltp.errors import ExamplesError
from ltp.text.files.delimited import Delimited
from ltp.text.files.first_row import ADVICE, FirstRow, holds_pairs, neither
from ltp.text.files.jsonlines import JsonLines, exact_records
from ltp.text.files.quoting import dialect_of
from ltp.text.files.record import place
from ltp.text.files.strict_json import DECODER, bad_character

_JSON_NAMES = {".jsonl", ".ndjson", ".json"}
_TAB_FIRST, _COMMA_FIRST = ("\t", ",", ";", "|"), (",", ";", "\t", "|")
_TRIED_ROWS = 20
_DECLARED = re.compile(r'(?P<line>\s*"?sep=(?P<delimiter>[^\w\s"]|\t)"?[ ,;\t]*)\r?\n?', re.IGNORECASE)
"""A first line that says what parts the cells; what a spreadsheet made of it, saving the file once more, too."""


@dataclass(frozen=True)
class Head:
    """The first lines of a file, from the first that is not blank, each with its number."""

    lines: Sequence[tuple[int, str]]
    cut: bool
    """Whether the file goes on behind them."""
    suffix: str
    """Of the file's name, in lower case."""
    named: Collection[str] = ()
    """Names that columns are known to have, besides those that data sets use."""

    @property
    def is_json(self) -> bool:
        """Whether this looks like JSON, in lines or not."""
        start = self.lines[0][1].lstrip()
        return start.startswith("{") or re.match(r"\[\s*([\[{]|$)", start) is not None or self.suffix in _JSON_NAMES

    @property
    def is_json_lines(self) -> bool:
        """Whether each line is an object, as far as the first tells, or would be one but for a fault."""
        first = self.lines[0][1].strip()
        if first.startswith("["):
            return False
        try:
            value, end = json.JSONDecoder().raw_decode(first)
        except RecursionError:
            return True
        except ValueError:
            return first != "{" and not self._is_pretty()
        if not isinstance(value, dict) or end < len(first):
            return True
        if self.cut or any(text.strip() for _, text in self.lines[1:]):
            return True
        try:
            DECODER.decode(first)
        except (ValueError, RecursionError):
            return True
        if bad_character(value) or not any(isinstance(part, list | dict) for part in value.values()):
            return True
        return holds_pairs({key: part for key, part in value.items() if isinstance(part, str)}, self.named)

    def _is_pretty(self) -> bool:
        """Whether an object goes on behind the first line."""
        text = "".join(text for _, text in self.lines).strip()
        try:
            json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError) as fault:
            return self.cut and isinstance(fault, json.JSONDecodeError) and fault.pos > len(text) - 16
        return True

    def json_lines(self) -> JsonLines:
        """The format, with the keys of the first object; none when it cannot be read, which reading on will say."""
        try:
            return JsonLines(tuple(next(exact_records(self.lines)).fields))
        except (ExamplesError, StopIteration):
            return JsonLines()

    def delimited(self) -> Delimited:
        """The format of a text of cells. Raises ExamplesError when it is none."""
        if declared := _DECLARED.fullmatch(self.lines[0][1]):
            return self._after_declaration(declared)
        order = _COMMA_FIRST if self.suffix == ".csv" else _TAB_FIRST
        tried = [_Cut(self, delimiter) for delimiter in order]
        return max(tried, key=lambda cut: cut.score).settle()  # the earliest of equals

    def _after_declaration(self, declared: re.Match[str]) -> Delimited:
        """The format after a first line `sep=;`, which is Excel's, counts for every program, and is no row."""
        rest = [(number, text) for number, text in self.lines[1:] if text.strip()]
        if not rest:
            raise ExamplesError("the file holds no rows", fault="no_rows")
        form = _Cut(replace(self, lines=rest), declared["delimiter"]).settle()
        return replace(form, declaration=declared["line"])


def head_of(lines: Sequence[tuple[int, str]], *, cut: bool, filename: str | None, named: Collection[str]) -> Head:
    """What is looked at to tell the format of a file."""
    return Head(lines, cut, Path(filename or "").suffix.lower(), named)


class _Cut:
    """The first rows as one delimiter cuts them."""

    def __init__(self, head: Head, delimiter: str) -> None:
        self.head, self.delimiter = head, delimiter
        self.dialect = dialect_of(head.lines, delimiter, cut=head.cut)
        cells = head.lines[0][1].rstrip("\r\n").split(delimiter)
        self.widths: set[int] = set()
        with contextlib.suppress(ExamplesError):  # raised again once the format is settled
            for index, (_, _, found) in enumerate(islice(self.dialect.rows(iter(head.lines)), _TRIED_ROWS)):
                cells = cells if index else found
                self.widths.add(len(found))
        self.first = FirstRow(cells, head.named)

    @property
    def score(self) -> tuple[int, bool]:
        """How well the first row reads, and whether the others are as wide."""
        return self.first.reads, len(self.first.cells) > 1 and len(self.widths) == 1

    def settle(self) -> Delimited:
        """The format that the row shows. Raises ExamplesError when it shows none."""
        first = next(self.dialect.rows(iter(self.head.lines)), None)
        if first is None:
            raise ExamplesError("the file holds no rows", fault="no_rows")
        line, raw, cells = first
        if self.first.is_header:
            return Delimited(self.dialect, raw, tuple(cells), line)
        if not self.first.reads and not self.first.numbered:
            self._refuse(line, raw, cells)
        numbers = tuple(str(number) for number in range(1, len(cells) + 1))
        return Delimited(self.dialect, None, numbers, line)

    def _refuse(self, line: int, raw: str, cells: Sequence[str]) -> NoReturn:
        if len(cells) < 3:
            raise ExamplesError(
                f"no second column, parted by a tab, a comma, a semicolon or a pipe; {ADVICE}",
                line=line,
                column=1,
                fault="no_text_columns",
            )
        at, column = place(raw, self.dialect.spans(raw)[2][0], line)
        raise ExamplesError(neither(cells), line=at, column=column, fault="no_text_columns")
