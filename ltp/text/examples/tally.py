"""Counts what a file of pairs holds, row by row: hashes and numbers, so that its size does not matter."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

from ltp.errors import ExamplesError
from ltp.text.columns import TEXTS
from ltp.text.examples.annotations import UNJUDGED
from ltp.text.examples.example import comparable
from ltp.text.examples.label_map import MOST_SPELLINGS, Spelling, spelling_of
from ltp.text.examples.languages import Languages
from ltp.text.examples.options import ReadOptions, Task
from ltp.text.examples.reading import LeftOut, Why
from ltp.text.examples.rows import Row, Rows
from ltp.text.label_words import label_of_word

SAMPLED, MOST_SAMPLED, SHOWN_CHARACTERS = 5, 20, 200
"""Rows that are shown, with the first of every label, and characters of each text."""
SHOWN_LINES = 10
"""Lines that a refusal names."""


class Tally:
    """What was found in the rows so far."""

    def __init__(self, rows: Rows, options: ReadOptions, task: Task, *, blanks: bool) -> None:
        """Count for a task; with `blanks`, blank texts are read like others."""
        self.rows, self.task, self.blanks = rows, task, blanks
        self.columns = rows.layout.columns
        self.languages = Languages(rows.layout, options, task)
        self.pairs, self.premises = array("q"), array("q")
        """Hashes of each judgement's pair and premise."""
        self.said, self.lines = array("i"), array("Q")
        """The number of each judgement's spelling, and its line."""
        self.spellings: dict[str, Spelling] = {}
        self.left: dict[str, LeftOut] = {}
        self.sample: list[tuple[dict[str, Any], int]] = []
        """Rows to show, with the number of the spelling of each."""
        self.count = 0
        self._premise = self._comparable = ""
        self._numbers: dict[str, int] = {}  # of spellings as cells have them
        self._known: dict[str, int] = {}
        self._places: list[Spelling] = []
        self._beside: set[int] = set()
        self._sampled: set[int] = set()
        self._blanks: list[int] = []
        self._first_blank: tuple[str, int, int] | None = None

    def add(self, row: Row) -> int:
        """Count a row; return how many judgements of it may be read. Raises ExamplesError for what cannot be."""
        record, premise, hypothesis = row.record, row.premise, row.hypothesis
        lang = self.languages.of(record)
        if reason := self.languages.unwanted(lang):
            return self.leave(reason, record.line)
        if self.task == "predict":
            numbers = [-1]
        else:
            number = self._numbers.get(row.said) if isinstance(row.said, str) else None
            numbers = self._judged(row) if number is None else [number]
        if not numbers:
            return 0
        if not self.blanks and not (premise.strip() and hypothesis.strip()):
            return self._blank(row, len(numbers))
        if premise != self._premise:  # several rows of one premise mostly follow each other
            self._premise, self._comparable = premise, comparable(premise)
        first = self._comparable
        pair, alone = hash((first, comparable(hypothesis), self.languages.apart(lang))), hash(first)
        for number in numbers:
            self.pairs.append(pair)
            self.premises.append(alone)
            self.said.append(number)
            self.lines.append(record.line)
            if number in self._beside:
                self._look_beside(row, self._places[number])
            if len(self.sample) < SAMPLED or (number not in self._sampled and len(self.sample) < MOST_SAMPLED):
                self._show(row, number, lang)
        self.count += len(numbers)
        return len(numbers)

    def leave(self, reason: str, line: int, code: Why | None = None) -> int:
        """Count a judgement that is not read."""
        known = self.left.get(reason)
        rows, first = (known.rows + 1, known.first_line) if known else (1, line)
        self.left[reason] = LeftOut(reason, rows, first, code)
        self.count += 1
        return 0

    def _judged(self, row: Row) -> list[int]:
        """The numbers of the spellings of a row's judgements; those that are none are counted with their reason."""
        judgements = self.rows.judgements(row)
        for reason in judgements.reasons:
            self.leave(reason, row.record.line)
        numbers = [self._number(value, row) for value in judgements.values]
        if isinstance(row.said, str) and len(numbers) == 1:
            self._numbers[row.said] = numbers[0]
        return numbers

    def _number(self, value: Any, row: Row) -> int:
        spelling = spelling_of(value)
        known = self._known.get(spelling)
        if known is not None:
            return known
        if len(self.spellings) == MOST_SPELLINGS:
            name = self.columns.get("label")
            message = f"{name!r} holds more than {MOST_SPELLINGS:,} different values, and so no labels"
            raise row.record.refuse(f"{message}; say where labels are with --columns label=NAME", name)
        number = self._known[spelling] = len(self._places)
        self.spellings[spelling] = Spelling(*self.rows.place(row.record, "label"))
        self._places.append(self.spellings[spelling])
        if (self.rows.layout.companions or self.rows.layout.score) and label_of_word(spelling) is None:
            self._beside.add(number)
        return number

    def _look_beside(self, row: Row, spelling: Spelling) -> None:
        for name in self.rows.layout.companions:
            word = row.record.value(name)
            if isinstance(word, str) and (label := label_of_word(word)):
                spelling.beside.setdefault(name, Counter())[label] += 1
        if self.rows.layout.score:
            try:
                spelling.score += float(row.record.value(self.rows.layout.score))
            except (TypeError, ValueError):
                return

    def _show(self, row: Row, number: int, lang: str | None) -> None:
        self._sampled.add(number)
        shown = {"line": row.record.line, **{str(role): getattr(row, role)[:SHOWN_CHARACTERS] for role in TEXTS}}
        self.sample.append(({**shown, "lang": lang} if lang else shown, number))

    def _blank(self, row: Row, judgements: int) -> int:
        role = next(role for role, text in zip(TEXTS, (row.premise, row.hypothesis), strict=True) if not text.strip())
        message = f"the {role} is blank"
        if self.task != "evaluate":
            self._blanks.append(row.record.line)
            self._first_blank = self._first_blank or (message, *row.record.where(self.columns.get(role)))
        for _ in range(judgements):
            self.leave(message, row.record.line, "blank")
        return 0

    def refuse_blanks(self) -> None:
        """Raise ExamplesError at the first blank text of a file that may hold none, with the lines of the others."""
        if self._first_blank is None:
            return
        message, line, column = self._first_blank
        others = ", ".join(f"{other:,}" for other in self._blanks[1 : SHOWN_LINES + 1])
        more = ", ..." if len(self._blanks) > SHOWN_LINES + 1 else ""
        also = f"; so is a text in {len(self._blanks) - 1:,} more, of line {others}{more}" if others else ""
        cure = "fill them in or remove these rows" if others else "fill it in or remove the row"
        raise ExamplesError(f"{message}{also}; {cure}", line=line, column=column, fault="blank_text")

    def refuse_empty(self) -> None:
        """Raise ExamplesError when nothing is left to read."""
        if not len(self.said):
            self.refuse(self.left.values())

    def refuse(self, left: Iterable[LeftOut]) -> NoReturn:
        """Refuse a file of which nothing is read."""
        left = list(left)
        if [one.reason for one in left] == [UNJUDGED] and self.columns.get("label"):
            raise ExamplesError(
                f"no row of this file has a label: the column {self.columns['label']!r} is empty in all {self.count:,};"
                " to predict it use ltp predict; if labels stand in another column, say --columns label=NAME",
                line=left[0].first_line,
                column=1,
                fault="no_labels",
            )
        why = "; ".join(f"{one.rows:,}: {one.reason} (first in line {one.first_line:,})" for one in left)
        first = min((one.first_line for one in left), default=None)
        advice = "; say where labels are with --columns label=NAME" if UNJUDGED in self.left else ""
        raise ExamplesError(f"no row of the file can be read ({why}){advice}", line=first, column=1, fault="no_rows")
