"""The rows of a file as pairs of texts with what is said of each, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from ltp.text.columns import TEXTS, AmbiguousColumns, Role, find_columns
from ltp.text.examples.annotations import Judgements, plain_judgements
from ltp.text.examples.header import Header
from ltp.text.examples.late_names import KnownNames, LateNames
from ltp.text.examples.layout import Layout, find_layout
from ltp.text.examples.options import ReadOptions
from ltp.text.examples.values import SEPARATORS, value_at
from ltp.text.files.record import Record
from ltp.text.files.record_file import RecordFile

HEAD = 200
"""Rows that are looked at to tell what the columns are."""


@dataclass(slots=True)
class Row:
    """One pair; `said` is what stands in the label's column."""

    record: Record
    premise: str
    hypothesis: str
    said: Any


class Rows:
    """The rows of a file, as often as asked."""

    def __init__(
        self,
        source: RecordFile,
        options: ReadOptions,
        *,
        labelled: bool,
        longest: int | None = None,
        late: Sequence[Record] | None = None,
    ) -> None:
        """Tell the columns by the first rows, and the `late` ones once these were looked for. Raises ExamplesError."""
        form = source.format
        keys, line = getattr(form, "keys", form.names), getattr(form, "first_line", None)
        header = Header(keys, form.names if line else (), line)
        self.source, self.longest = source, longest
        head = [*islice(source, HEAD), *(late or ())]
        self.layout: Layout = find_layout(head, header, options, labelled=labelled)
        self._known = KnownNames(head)
        self._watched = labelled and late is None
        self._per_row = header.line is None and not options.columns and self.layout.tool is None
        self._wants_label = labelled
        self._routed = self._per_row or not {"lang", "adapter"}.isdisjoint(self.layout.columns)

    def __iter__(self) -> Iterator[Row]:
        """Every row in the file's order.

        Raises ExamplesError where one lacks a text; LateNames where labels are wanted, and one has a name that counts
        and was not known.
        """
        columns = self.layout.columns
        premise, hypothesis, label = (columns.get(role, "") for role in (*TEXTS, "label"))
        if self.layout.tool is not None:
            label = ""  # what stands in it counts only with the rest of the row
        texts = self._both if self.layout.both else self._texts
        longest = -1 if self.layout.both else sys.maxsize if self.longest is None else self.longest
        known = self._known.names
        watched = self._watched
        for record in self.source:
            if watched and not known.issuperset(record.fields) and self._known.tells_more(record.fields):
                raise LateNames
            first, second = record.fields.get(premise), record.fields.get(hypothesis)
            if not (type(first) is type(second) is str and len(first) <= longest and len(second) <= longest):
                first, second = texts(record, premise, hypothesis)
            said = record.fields.get(label)
            yield Row(record, first, second, self._said(record, label) if said is None else said)

    def late(self) -> list[Record]:
        """The rows that are the first to have a name that counts and was not known."""
        return self._known.late(self.source)

    def _said(self, record: Record, label: str) -> Any:
        """What stands in the label's column, where that is deeper than the row's own fields, or has another name."""
        if not self._wants_label or self.layout.tool is not None:
            return None
        said = value_at(record, label)
        return record.value(_own(record).get("label")) if said is None and self._per_row else said

    @property
    def routed(self) -> bool:
        """Whether rows may name a language or an adapter."""
        return self._routed

    def judgements(self, row: Row) -> Judgements:
        """What was said of a row, by everybody who judged it."""
        if self.layout.tool is None:
            return plain_judgements(row.said)
        return self.layout.tool.judgements(row.record, self.layout.columns.get("label"))

    def value(self, record: Record, role: Role) -> str | None:
        """The text under another role, without blanks around it; None where there is none."""
        name = self.layout.columns.get(role)
        if self._per_row and (name is None or name not in record.fields):
            name = _own(record).get(role)
        if name is None or record.value(name) is None:
            return None
        return record.text(name, called=role).strip() or None

    def place(self, record: Record, role: Role) -> tuple[int, int]:
        """Where the row has the role, or should have it."""
        return record.where(self.layout.columns.get(role))

    def _texts(self, record: Record, premise: str | None, hypothesis: str | None) -> tuple[str, str]:
        if self._per_row and (value_at(record, premise) is None or value_at(record, hypothesis) is None):
            own = _own(record)
            premise, hypothesis = own.get("premise", premise), own.get("hypothesis", hypothesis)
        return self._text(record, premise, "premise"), self._text(record, hypothesis, "hypothesis")

    def _text(self, record: Record, name: str | None, role: Role) -> str:
        if name and record.value(name) is None:
            text = value_at(record, name)
            if isinstance(text, str) and len(text) <= (self.longest or len(text)):
                return text
        return record.text(name, called=role, longest=self.longest)

    def _both(self, record: Record, name: str | None, also: str | None) -> tuple[str, str]:
        del also
        text = record.text(name, called="pair", longest=self.longest and 2 * self.longest)
        parts = SEPARATORS.split(text)
        if len(parts) != len(TEXTS):
            raise record.refuse(f"the pair is not parted once by a separator such as [SEP]: {text!r:.60}", name)
        return parts[0], parts[1]


def _own(record: Record) -> dict[Role, str]:
    """The columns by a row's own names, where rows have names of their own."""
    try:
        return _columns(tuple(record.fields))
    except AmbiguousColumns as fault:
        raise record.refuse(str(fault), None) from fault


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...]) -> dict[Role, str]:
    return {role: names[at] for role, at in find_columns(names).items()}
